#include "placer/sharded_policy.h"

#include <cstring>
#include <utility>

#include "placer/checkpoint.h"

namespace placer {
namespace {

/// First number of a job.
enum class Job : std::uint8_t { kComplete = 1, kGradient, kApply, kLoad };

template <typename T>
std::string BytesOf(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}
template <typename T>
std::vector<T> ValuesOf(const std::string& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) {
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  }
  return values;
}

void Put(const UpdateOptions& options, ByteWriter& out) {
  out.Put(options.learning_rate);
  out.Put(options.clip_norm);
  out.Put(options.entropy_weight);
  out.Put(options.ratio_clip);
  out.Put(options.sampling_temperature);
}
UpdateOptions TakeOptions(ByteReader& in) {
  UpdateOptions options;
  options.learning_rate = in.TakeReal();
  options.clip_norm = in.TakeReal();
  options.entropy_weight = in.TakeReal();
  options.ratio_clip = in.TakeReal();
  options.sampling_temperature = in.TakeReal();
  return options;
}

/// The micro-batches of one rank: whole ones, in order.
std::vector<Range> PartsOf(std::size_t count, std::size_t micro_batches, std::size_t rank,
                           std::size_t num_ranks) {
  std::vector<Range> parts;
  const Range mine = PartOf(micro_batches, rank, num_ranks);
  for (std::size_t m = mine.first; m < mine.last; ++m) {
    const Range part = PartOf(count, m, micro_batches);
    if (part.size() > 0) {
      parts.push_back(part);
    }
  }
  return parts;
}

std::string DoComplete(ByteReader& in, const GroupFeatures& features, Policy& policy) {
  const Seed seed = in.TakeInteger();
  const double temperature = in.TakeReal();
  ByteWriter out;
  for (std::uint64_t parts = in.TakeInteger(); parts > 0; --parts) {
    const std::size_t first = in.TakeInteger();
    std::vector<std::vector<std::uint8_t>> given(in.TakeInteger());
    for (std::vector<std::uint8_t>& row : given) {
      row = ValuesOf<std::uint8_t>(in.TakeBytes());
    }
    for (const Proposal& proposal : policy.Complete(features, given, seed, temperature, first)) {
      out.Put(BytesOf<std::uint8_t>(proposal.devices));
      out.Put(BytesOf<float>(proposal.log_probabilities));
      out.Put(BytesOf(std::span(&proposal.entropy, 1)));
    }
  }
  return out.bytes();
}

void Put(const Experience& experience, ByteWriter& out) {
  out.Put(BytesOf(experience.devices));
  out.Put(BytesOf(experience.old_log_probabilities));
  out.Put(BytesOf(experience.given));
  out.Put(BytesOf(std::span(&experience.weight, 1)));
}

/// An Experience that owns what it is made of.
struct OwnedExperience {
  explicit OwnedExperience(ByteReader& in)
      : devices(ValuesOf<std::uint8_t>(in.TakeBytes())),
        old_log_probabilities(ValuesOf<float>(in.TakeBytes())),
        given(ValuesOf<std::uint8_t>(in.TakeBytes())),
        weight(ValuesOf<float>(in.TakeBytes()).at(0)) {}
  [[nodiscard]] Experience View() const { return {devices, old_log_probabilities, given, weight}; }

  std::vector<std::uint8_t> devices;
  std::vector<float> old_log_probabilities;
  std::vector<std::uint8_t> given;
  float weight;
};

std::string DoGradient(ByteReader& in, const GroupFeatures& features, Policy& policy) {
  const UpdateOptions options = TakeOptions(in);
  ByteWriter out;
  for (std::uint64_t parts = in.TakeInteger(); parts > 0; --parts) {
    std::vector<OwnedExperience> owned;
    for (std::uint64_t left = in.TakeInteger(); left > 0; --left) {
      owned.emplace_back(in);
    }
    std::vector<Experience> experiences;
    for (const OwnedExperience& each : owned) {
      experiences.push_back(each.View());
    }
    const PolicyGradient gradient = policy.Gradient(features, experiences, options);
    out.Put(gradient.loss);
    out.Put(gradient.entropy);
    out.Put(BytesOf<float>(gradient.values));
  }
  return out.bytes();
}

/// Adds the gradients of one rank's micro-batches, each times its share of the batch.
void AddGradients(const std::string& answer, std::span<const Range> parts, std::size_t count,
                  PolicyGradient& sum) {
  ByteReader in(answer);
  for (const Range& part : parts) {
    const double share = static_cast<double>(part.size()) / static_cast<double>(count);
    sum.loss += share * in.TakeReal();
    sum.entropy += share * in.TakeReal();
    const std::vector<float> values = ValuesOf<float>(in.TakeBytes());
    sum.values.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      sum.values[i] += static_cast<float>(share) * values[i];
    }
  }
}

}  // namespace

bool IsPolicyJob(const std::string& job) {
  return ByteReader(job).TakeInteger() <= static_cast<std::uint64_t>(Job::kLoad);
}

std::string DoPolicyJob(const std::string& job, const GroupFeatures& features, Policy& policy) {
  ByteReader in(job);
  switch (static_cast<Job>(in.TakeInteger())) {
    case Job::kComplete:
      return DoComplete(in, features, policy);
    case Job::kGradient:
      return DoGradient(in, features, policy);
    case Job::kApply: {
      const UpdateOptions options = TakeOptions(in);
      policy.Apply(ValuesOf<float>(in.TakeBytes()), options);
      return {};
    }
    case Job::kLoad:
      policy.Load(in.TakeBytes());
      return {};
  }
  return {};
}

ShardedPolicy::ShardedPolicy(std::unique_ptr<Policy> policy, std::size_t micro_batches,
                             RankTeam* team)
    : policy_(std::move(policy)), micro_batches_(micro_batches), team_(team) {
  Load(policy_->Save());
}

std::vector<std::string> ShardedPolicy::Share(std::span<const std::string> jobs,
                                              const GroupFeatures& features) {
  const DoJob here = [&](const std::string& job) { return DoPolicyJob(job, features, *policy_); };
  if (team_ == nullptr) {
    return {here(jobs.front())};
  }
  return team_->Share(jobs, here);
}

std::vector<Proposal> ShardedPolicy::Propose(const GroupFeatures& features, std::size_t count,
                                             Seed seed, double sampling_temperature) {
  const std::vector<std::vector<std::uint8_t>> nothing(
      count, std::vector<std::uint8_t>(features.num_groups, kAnyDevice));
  return Complete(features, nothing, seed, sampling_temperature, 0);
}

std::vector<Proposal> ShardedPolicy::Complete(const GroupFeatures& features,
                                              std::span<const std::vector<std::uint8_t>> given,
                                              Seed seed, double sampling_temperature,
                                              std::size_t first_sample) {
  std::vector<std::string> jobs;
  for (std::size_t rank = 0; rank < num_ranks(); ++rank) {
    const std::vector<Range> parts = PartsOf(given.size(), micro_batches_, rank, num_ranks());
    ByteWriter job;
    job.Put(static_cast<std::uint64_t>(Job::kComplete));
    job.Put(std::uint64_t{seed});
    job.Put(sampling_temperature);
    job.Put(std::uint64_t{parts.size()});
    for (const Range& part : parts) {
      job.Put(std::uint64_t{first_sample + part.first});
      job.Put(std::uint64_t{part.size()});
      for (std::size_t i = part.first; i < part.last; ++i) {
        job.Put(BytesOf<std::uint8_t>(given[i]));
      }
    }
    jobs.push_back(parts.empty() ? std::string() : job.bytes());
  }
  std::vector<Proposal> proposals;
  for (const std::string& answer : Share(jobs, features)) {
    ByteReader in(answer);
    while (!in.at_end()) {
      Proposal& proposal = proposals.emplace_back();
      proposal.devices = ValuesOf<std::uint8_t>(in.TakeBytes());
      proposal.log_probabilities = ValuesOf<float>(in.TakeBytes());
      proposal.entropy = ValuesOf<float>(in.TakeBytes()).at(0);
    }
  }
  return proposals;
}

Proposal ShardedPolicy::MostLikely(const GroupFeatures& features) {
  return policy_->MostLikely(features);
}

PolicyGradient ShardedPolicy::Gradient(const GroupFeatures& features,
                                       std::span<const Experience> experiences,
                                       const UpdateOptions& options) {
  std::vector<std::string> jobs;
  std::vector<std::vector<Range>> parts_of_rank;
  for (std::size_t rank = 0; rank < num_ranks(); ++rank) {
    const std::vector<Range>& parts =
        parts_of_rank.emplace_back(PartsOf(experiences.size(), micro_batches_, rank, num_ranks()));
    ByteWriter job;
    job.Put(static_cast<std::uint64_t>(Job::kGradient));
    Put(options, job);
    job.Put(std::uint64_t{parts.size()});
    for (const Range& part : parts) {
      job.Put(std::uint64_t{part.size()});
      for (std::size_t i = part.first; i < part.last; ++i) {
        Put(experiences[i], job);
      }
    }
    jobs.push_back(parts.empty() ? std::string() : job.bytes());
  }
  PolicyGradient sum;
  const std::vector<std::string> answers = Share(jobs, features);
  for (std::size_t rank = 0; rank < answers.size(); ++rank) {
    AddGradients(answers[rank], parts_of_rank[rank], experiences.size(), sum);
  }
  return sum;
}

double ShardedPolicy::Apply(std::span<const float> gradient, const UpdateOptions& options) {
  if (team_ != nullptr) {
    ByteWriter job;
    job.Put(static_cast<std::uint64_t>(Job::kApply));
    Put(options, job);
    job.Put(BytesOf(gradient));
    team_->TellAll(job.bytes());
  }
  return policy_->Apply(gradient, options);
}

UpdateStats ShardedPolicy::Update(const GroupFeatures& features,
                                  std::span<const Experience> experiences,
                                  const UpdateOptions& options) {
  const PolicyGradient gradient = Gradient(features, experiences, options);
  UpdateStats stats;
  stats.loss = gradient.loss;
  stats.entropy = gradient.entropy;
  stats.gradient_norm = Apply(gradient.values, options);
  return stats;
}

void ShardedPolicy::Load(const std::string& state) {
  policy_->Load(state);
  if (team_ != nullptr) {
    ByteWriter job;
    job.Put(static_cast<std::uint64_t>(Job::kLoad));
    job.Put(state);
    team_->TellAll(job.bytes());
  }
}

}  // namespace placer
