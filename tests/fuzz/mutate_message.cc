#include "tests/fuzz/mutate_message.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/reflection.h>

#include <cmath>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace placer::fuzz {
namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;

constexpr std::size_t kLongestCopy = 2000;

/// The message and those inside of it, and the texts in them.
struct Parts {
  std::vector<pb::Message*> messages;
  std::vector<std::string> texts;
};

void Collect(pb::Message& message, Parts& parts) {
  constexpr std::size_t kMost = 4000;
  if (parts.messages.size() > kMost) {
    return;
  }
  parts.messages.push_back(&message);
  const pb::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Collect(field->is_repeated() ? *reflection.MutableRepeatedMessage(&message, field, i)
                                     : *reflection.MutableMessage(&message, field),
                parts);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        parts.texts.push_back(field->is_repeated() ? reflection.GetRepeatedString(message, field, i)
                                                   : reflection.GetString(message, field));
      }
    }
  }
}

double OddReal(Rng& rng) {
  const double odd[] = {0,
                        1,
                        -1,
                        0.5,
                        1e300,
                        -1e-300,
                        std::numeric_limits<double>::infinity(),
                        std::numeric_limits<double>::quiet_NaN()};
  return odd[rng.Below(std::size(odd))];
}

std::string OddText(const Parts& parts, Rng& rng) {
  if (!parts.texts.empty() && rng.Below(4) != 0) {
    return parts.texts[rng.Below(parts.texts.size())];
  }
  const char* const odd[] = {"",     "^",  "a:1",      "^a",   "a:99999999999", "loc:@", "SAME",
                             "NCHW", ":0", "EXPLICIT", "axis", "\n\x01\x7f",    "Const", "Conv2D"};
  return odd[rng.Below(std::size(odd))];
}

/// Sets or adds the field's value.
void Put(pb::Message& message, const FieldDescriptor* field, int index, const Parts& parts,
         Rng& rng) {
  const pb::Reflection& reflection = *message.GetReflection();
  const bool add = field->is_repeated() && index < 0;
  const auto put = [&](auto set, auto set_repeated, auto append, const auto& value) {
    if (add) {
      (reflection.*append)(&message, field, value);
    } else if (field->is_repeated()) {
      (reflection.*set_repeated)(&message, field, index, value);
    } else {
      (reflection.*set)(&message, field, value);
    }
  };
  using R = pb::Reflection;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return put(&R::SetInt32, &R::SetRepeatedInt32, &R::AddInt32,
                 static_cast<std::int32_t>(OddNumber(rng)));
    case FieldDescriptor::CPPTYPE_INT64:
      return put(&R::SetInt64, &R::SetRepeatedInt64, &R::AddInt64, OddNumber(rng));
    case FieldDescriptor::CPPTYPE_UINT32:
      return put(&R::SetUInt32, &R::SetRepeatedUInt32, &R::AddUInt32,
                 static_cast<std::uint32_t>(OddNumber(rng)));
    case FieldDescriptor::CPPTYPE_UINT64:
      return put(&R::SetUInt64, &R::SetRepeatedUInt64, &R::AddUInt64,
                 static_cast<std::uint64_t>(OddNumber(rng)));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return put(&R::SetDouble, &R::SetRepeatedDouble, &R::AddDouble, OddReal(rng));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return put(&R::SetFloat, &R::SetRepeatedFloat, &R::AddFloat,
                 static_cast<float>(OddReal(rng)));
    case FieldDescriptor::CPPTYPE_BOOL:
      return put(&R::SetBool, &R::SetRepeatedBool, &R::AddBool, rng.Below(2) == 0);
    case FieldDescriptor::CPPTYPE_ENUM: {
      const pb::EnumDescriptor& values = *field->enum_type();
      const int value =
          values.value(static_cast<int>(rng.Below(static_cast<std::size_t>(values.value_count()))))
              ->number();
      return put(&R::SetEnumValue, &R::SetRepeatedEnumValue, &R::AddEnumValue, value);
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = OddText(parts, rng);
      if (add) {
        reflection.AddString(&message, field, text);
      } else if (field->is_repeated()) {
        reflection.SetRepeatedString(&message, field, index, text);
      } else {
        reflection.SetString(&message, field, text);
      }
      return;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      // Copied before the field is touched: that may take away what `parts` points to.
      std::unique_ptr<pb::Message> copy;
      for (int tries = 0; tries < 8 && copy == nullptr; ++tries) {
        const pb::Message& from = *parts.messages[rng.Below(parts.messages.size())];
        if (from.GetDescriptor() == field->message_type() && from.ByteSizeLong() < kLongestCopy) {
          copy.reset(from.New());
          copy->CopyFrom(from);
        }
      }
      pb::Message* to = add ? reflection.AddMessage(&message, field)
                        : field->is_repeated()
                            ? reflection.MutableRepeatedMessage(&message, field, index)
                            : reflection.MutableMessage(&message, field);
      if (copy != nullptr) {
        to->CopyFrom(*copy);
      }
      return;
    }
  }
}

}  // namespace

std::int64_t OddNumber(Rng& rng) {
  constexpr std::int64_t kOdd[] = {0,
                                   1,
                                   -1,
                                   2,
                                   -2,
                                   3,
                                   4,
                                   7,
                                   64,
                                   1000,
                                   65536,
                                   std::int64_t{1} << 31,
                                   -(std::int64_t{1} << 31),
                                   std::int64_t{1} << 62,
                                   std::numeric_limits<std::int64_t>::max(),
                                   std::numeric_limits<std::int64_t>::min()};
  return kOdd[rng.Below(std::size(kOdd))];
}

void MutateMessage(pb::Message& message, Rng& rng) {
  Parts parts;
  Collect(message, parts);
  pb::Message& chosen = *parts.messages[rng.Below(parts.messages.size())];
  const pb::Reflection& reflection = *chosen.GetReflection();
  const pb::Descriptor& type = *chosen.GetDescriptor();
  std::vector<const FieldDescriptor*> present;
  reflection.ListFields(chosen, &present);
  // Mostly what is there, sometimes what is not.
  const FieldDescriptor* field = nullptr;
  if (!present.empty() && rng.Below(5) != 0) {
    field = present[rng.Below(present.size())];
  } else if (type.field_count() > 0) {
    field = type.field(static_cast<int>(rng.Below(static_cast<std::size_t>(type.field_count()))));
  } else {
    return;
  }
  if (!field->is_repeated()) {
    if (rng.Below(5) == 0) {
      reflection.ClearField(&chosen, field);
    } else {
      Put(chosen, field, -1, parts, rng);
    }
    return;
  }
  const int size = reflection.FieldSize(chosen, field);
  const auto any = [&] { return static_cast<int>(rng.Below(static_cast<std::size_t>(size))); };
  switch (size == 0 ? 0 : rng.Below(6)) {
    case 0:
      return Put(chosen, field, -1, parts, rng);
    case 1:
      reflection.SwapElements(&chosen, field, any(), size - 1);
      return reflection.RemoveLast(&chosen, field);
    case 2:
      return reflection.SwapElements(&chosen, field, any(), any());
    default:
      return Put(chosen, field, any(), parts, rng);
  }
}

}  // namespace placer::fuzz
