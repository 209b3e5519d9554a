#include "experiments/detail/experiment_field.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/reflection.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "experiments/sweep/spec_parameter.h"
#include "graphs/base/error.h"

namespace placer::detail {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr std::string_view kZooPrefix = "zoo:";

/// Fields that say where a trial is kept, and so are not its own.
bool BelongsToSweep(const FieldDescriptor& field) {
  return field.name() == "format" || field.name() == "name" || field.name() == "output_dir";
}

std::string KnownFields(const Descriptor& type) {
  std::string known;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (BelongsToSweep(field) && type.name() == "Experiment") {
      continue;
    }
    known += (known.empty() ? "" : ", ") +
             (field.is_map() || (field.message_type() != nullptr && !field.is_map())
                  ? field.name() + ".NAME"
                  : field.name());
  }
  return known + (type.name() == "Experiment" ? ", model.NAME, cluster.NAME" : "");
}

[[noreturn]] void FailValue(const std::string& path, const std::string& value,
                            const std::string& expected) {
  throw InputError(path + ": found '" + value + "', expected " + expected);
}

template <typename T>
T ParseNumber(const std::string& path, const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    if constexpr (std::is_floating_point_v<T>) {
      FailValue(path, text, "a number");
    } else {
      FailValue(path, text,
                "a whole number from " + std::to_string(std::numeric_limits<T>::min()) + " to " +
                    std::to_string(std::numeric_limits<T>::max()));
    }
  }
  return value;
}

template <typename T>
std::string NumberToText(T value) {
  std::string text(32, '\0');
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  text.resize(static_cast<std::size_t>(end - text.data()));
  return text;
}

bool ParseBool(const std::string& path, const std::string& text) {
  if (text != "true" && text != "false") {
    FailValue(path, text, "true or false");
  }
  return text == "true";
}

/// Sets, or adds to a repeated field.
void SetValue(Message& message, const FieldDescriptor& field, const std::string& path,
              const std::string& text) {
  const Reflection& reflection = *message.GetReflection();
  const auto put = [&](auto set, auto add, auto value) {
    if (field.is_repeated()) {
      (reflection.*add)(&message, &field, std::move(value));
    } else {
      (reflection.*set)(&message, &field, std::move(value));
    }
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return put(&Reflection::SetString, &Reflection::AddString, text);
    case FieldDescriptor::CPPTYPE_BOOL:
      return put(&Reflection::SetBool, &Reflection::AddBool, ParseBool(path, text));
    case FieldDescriptor::CPPTYPE_INT32:
      return put(&Reflection::SetInt32, &Reflection::AddInt32,
                 ParseNumber<std::int32_t>(path, text));
    case FieldDescriptor::CPPTYPE_INT64:
      return put(&Reflection::SetInt64, &Reflection::AddInt64,
                 ParseNumber<std::int64_t>(path, text));
    case FieldDescriptor::CPPTYPE_UINT32:
      return put(&Reflection::SetUInt32, &Reflection::AddUInt32,
                 ParseNumber<std::uint32_t>(path, text));
    case FieldDescriptor::CPPTYPE_UINT64:
      return put(&Reflection::SetUInt64, &Reflection::AddUInt64,
                 ParseNumber<std::uint64_t>(path, text));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return put(&Reflection::SetDouble, &Reflection::AddDouble, ParseNumber<double>(path, text));
    default:
      throw std::logic_error(path + ": a field of a type that no axis can set");
  }
}

std::string ValueToText(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const auto get = [&](auto single, auto repeated) {
    return field.is_repeated() ? (reflection.*repeated)(message, &field, index)
                               : (reflection.*single)(message, &field);
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return get(&Reflection::GetString, &Reflection::GetRepeatedString);
    case FieldDescriptor::CPPTYPE_BOOL:
      return get(&Reflection::GetBool, &Reflection::GetRepeatedBool) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return NumberToText(get(&Reflection::GetInt32, &Reflection::GetRepeatedInt32));
    case FieldDescriptor::CPPTYPE_INT64:
      return NumberToText(get(&Reflection::GetInt64, &Reflection::GetRepeatedInt64));
    case FieldDescriptor::CPPTYPE_UINT32:
      return NumberToText(get(&Reflection::GetUInt32, &Reflection::GetRepeatedUInt32));
    case FieldDescriptor::CPPTYPE_UINT64:
      return NumberToText(get(&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return NumberToText(get(&Reflection::GetDouble, &Reflection::GetRepeatedDouble));
    default:
      throw std::logic_error(field.full_name() + ": a field of a type that no axis can read");
  }
}

/// A parameter of `model` or `cluster`. A model file has one: its batch, a field of its own.
void SetParameter(proto::Experiment& experiment, bool of_model, const std::string& path,
                  const std::string& key, const std::string& value) {
  std::string& spec = of_model ? *experiment.mutable_model() : *experiment.mutable_cluster();
  if (!of_model || spec.starts_with(kZooPrefix)) {
    spec = WithSpecParameter(spec, key, value);
  } else if (key != "batch") {
    throw InputError(path + ": model '" + spec + "' takes no parameters, expected zoo:NAME");
  } else if (value.empty()) {
    experiment.clear_batch();
  } else {
    experiment.set_batch(ParseNumber<std::int64_t>(path, value));
  }
}

}  // namespace

ExperimentField::ExperimentField(std::string path) : path_(std::move(path)) {
  const Descriptor* type = proto::Experiment::descriptor();
  std::string_view rest = path_ == "seed" ? "seeds" : std::string_view(path_);
  for (;;) {
    const std::string part(rest.substr(0, rest.find('.')));
    const bool last = part.size() == rest.size();
    rest.remove_prefix(last ? rest.size() : part.size() + 1);
    const FieldDescriptor* const field = type->FindFieldByName(part);
    if (field == nullptr || (fields_.empty() && BelongsToSweep(*field))) {
      throw InputError("found '" + path_ + "', expected one of " + KnownFields(*type));
    }
    fields_.push_back(field);
    const bool has_key = field->is_map() || part == "model" || part == "cluster";
    if (has_key && (!last || field->is_map())) {
      key_ = rest;
      if (key_.empty() || key_.find_first_of("=&?") != std::string::npos) {
        throw InputError("found '" + path_ + "', expected " + part + ".NAME");
      }
      return;
    }
    const bool is_message = field->message_type() != nullptr;
    if (is_message == last) {
      throw InputError("found '" + path_ + "', expected " +
                       (last ? part + ".NAME, NAME one of " + KnownFields(*field->message_type())
                             : "nothing behind " + part));
    }
    if (last) {
      return;
    }
    type = field->message_type();
  }
}

void ExperimentField::Set(proto::Experiment& experiment, const std::string& value) const {
  const FieldDescriptor& field = *fields_.back();
  if (field.is_map()) {
    experiment.mutable_options()->erase(key_);
    if (!value.empty()) {
      (*experiment.mutable_options())[key_] = value;
    }
    return;
  }
  if (!key_.empty()) {
    return SetParameter(experiment, field.name() == "model", path_, key_, value);
  }
  Message* message = &experiment;
  for (std::size_t i = 0; i + 1 < fields_.size(); ++i) {
    message = message->GetReflection()->MutableMessage(message, fields_[i]);
  }
  message->GetReflection()->ClearField(message, &field);
  std::string_view rest = value;
  while (!rest.empty()) {
    const std::size_t end = field.is_repeated() ? rest.find('\n') : std::string_view::npos;
    SetValue(*message, field, path_, std::string(rest.substr(0, end)));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
}

std::string ExperimentField::Get(const proto::Experiment& experiment) const {
  const FieldDescriptor& field = *fields_.back();
  if (field.is_map()) {
    const auto it = experiment.options().find(key_);
    return it == experiment.options().end() ? "" : it->second;
  }
  if (!key_.empty()) {
    const bool of_model = field.name() == "model";
    if (of_model && key_ == "batch" && experiment.has_batch()) {
      return NumberToText(experiment.batch());
    }
    return SpecParameter(of_model ? experiment.model() : experiment.cluster(), key_);
  }
  const Message* message = &experiment;
  for (std::size_t i = 0; i + 1 < fields_.size(); ++i) {
    message = &message->GetReflection()->GetMessage(*message, fields_[i]);
  }
  const Reflection& reflection = *message->GetReflection();
  if (!field.is_repeated()) {
    return field.has_presence() && !reflection.HasField(*message, &field)
               ? ""
               : ValueToText(*message, field, 0);
  }
  std::string text;
  for (int i = 0; i < reflection.FieldSize(*message, &field); ++i) {
    text += (i == 0 ? "" : ",") + ValueToText(*message, field, i);
  }
  return text;
}

}  // namespace placer::detail
