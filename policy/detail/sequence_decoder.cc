#include "policy/detail/sequence_decoder.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace placer::detail {

struct SequenceDecoder::Buffers {
  Buffers(const DecoderTables& t, std::size_t count, std::size_t readout_columns)
      : state(count * t.hidden),
        cell(count * t.hidden),
        next_cell(count * t.hidden),
        gates(count * 4 * t.hidden),
        readout(count * readout_columns),
        scores(count * t.groups),
        logits(count * t.devices),
        rows(count, static_cast<std::uint32_t>(t.device_input.size() / (4 * t.hidden) - 1)) {
    for (std::size_t i = 0; i < count; ++i) {
      std::ranges::copy(t.first_state, state.begin() + static_cast<std::ptrdiff_t>(i * t.hidden));
      std::ranges::copy(t.first_cell, cell.begin() + static_cast<std::ptrdiff_t>(i * t.hidden));
    }
  }
  std::vector<float> state, cell, next_cell, gates, readout, scores, logits;
  std::vector<std::uint32_t> rows;  ///< of device_input: the device chosen last
};

namespace {

PackedMatrix PackReadout(const DecoderTables& t, bool additive) {
  std::vector<float> rows(additive ? t.query.begin() : t.keys.begin(),
                          additive ? t.query.end() : t.keys.end());
  rows.insert(rows.end(), t.output_state.begin(), t.output_state.end());
  return {rows.data(), t.hidden, rows.size() / t.hidden, /*transposed=*/true};
}

}  // namespace

SequenceDecoder::SequenceDecoder(const DecoderTables& tables)
    : tables_(tables),
      additive_(!tables.query.empty()),
      recurrent_(tables.recurrent.data(), tables.hidden, 4 * tables.hidden, /*transposed=*/true),
      readout_(PackReadout(tables, additive_)),
      context_logits_(tables.context_logits.data(), tables.groups, tables.devices,
                      /*transposed=*/false) {}

void SequenceDecoder::Step(std::size_t group, std::size_t count, Buffers& b) const {
  recurrent_.MultiplyInto(count, b.state.data(), b.gates.data());
  LstmStep step;
  step.batch = count;
  step.hidden = tables_.hidden;
  step.input = tables_.step_input.data() + group * 4 * tables_.hidden;
  step.table = tables_.device_input.data();
  step.table_rows = b.rows.data();
  step.cell_before = b.cell.data();
  step.gates = b.gates.data();
  step.cell = b.next_cell.data();
  step.state = b.state.data();
  BestKernels().lstm_step(step);
  std::swap(b.cell, b.next_cell);
}

void SequenceDecoder::Attend(std::size_t count, Buffers& b) const {
  const Kernels& kernels = BestKernels();
  const std::size_t columns = readout_.columns(), groups = tables_.groups;
  readout_.MultiplyInto(count, b.state.data(), b.readout.data());
  for (std::size_t i = 0; i < count; ++i) {
    const float* row = b.readout.data() + i * columns;
    float* scores = b.scores.data() + i * groups;
    if (additive_) {
      kernels.additive_scores(
          {groups, tables_.hidden, row, tables_.keys.data(), tables_.value.data()}, scores);
    } else {
      std::copy_n(row, groups, scores);
    }
  }
  kernels.softmax(b.scores.data(), count, groups);
  context_logits_.MultiplyInto(count, b.scores.data(), b.logits.data());
  for (std::size_t i = 0; i < count; ++i) {
    const float* of_state = b.readout.data() + (i + 1) * columns - tables_.devices;
    for (std::size_t d = 0; d < tables_.devices; ++d) {
      b.logits[i * tables_.devices + d] += of_state[d] + tables_.output_bias[d];
    }
  }
}

float SequenceDecoder::Distribution(std::size_t group, std::span<const float> raw,
                                    double sampling_temperature, std::span<float> log_probabilities,
                                    std::span<float> probabilities) const {
  const auto allowed = tables_.allowed.subspan(group * tables_.devices, tables_.devices);
  const auto inner = static_cast<float>(1 / tables_.temperature);
  const auto outer = static_cast<float>(tables_.tanh_constant / sampling_temperature);
  float top = -INFINITY;
  for (std::size_t d = 0; d < raw.size(); ++d) {
    log_probabilities[d] = outer * std::tanh(raw[d] * inner);
    if (allowed[d] != 0) {
      top = std::max(top, log_probabilities[d]);
    }
  }
  float total = 0;
  for (std::size_t d = 0; d < raw.size(); ++d) {
    log_probabilities[d] -= top;
    probabilities[d] = allowed[d] != 0 ? std::exp(log_probabilities[d]) : 0.0F;
    total += probabilities[d];
  }
  const float log_total = std::log(total);
  float entropy = 0;
  for (std::size_t d = 0; d < raw.size(); ++d) {
    log_probabilities[d] -= log_total;
    probabilities[d] /= total;
    entropy -= probabilities[d] * log_probabilities[d];
  }
  return entropy;
}

std::vector<Proposal> SequenceDecoder::Decode(std::size_t count, double sampling_temperature,
                                              const Choose& choose) const {
  const std::size_t groups = tables_.groups, devices = tables_.devices;
  std::vector<Proposal> proposals(count);
  for (Proposal& proposal : proposals) {
    proposal.devices.resize(groups);
    proposal.log_probabilities.resize(groups);
  }
  Buffers buffers(tables_, count, readout_.columns());
  std::vector<float> log_probabilities(devices), probabilities(devices);
  for (std::size_t group = 0; group < groups; ++group) {
    Step(group, count, buffers);
    Attend(count, buffers);
    for (std::size_t i = 0; i < count; ++i) {
      const std::span<const float> raw(buffers.logits.data() + i * devices, devices);
      proposals[i].entropy +=
          Distribution(group, raw, sampling_temperature, log_probabilities, probabilities);
      const std::size_t device = choose(i, group, probabilities);
      proposals[i].devices[group] = static_cast<std::uint8_t>(device);
      proposals[i].log_probabilities[group] = log_probabilities[device];
      buffers.rows[i] = static_cast<std::uint32_t>(device);
    }
  }
  for (Proposal& proposal : proposals) {
    proposal.entropy /= static_cast<float>(groups);
  }
  return proposals;
}

namespace {

/// One stream of random numbers per sample, one number per group that is drawn.
class Streams {
 public:
  Streams(std::size_t count, Seed seed, std::size_t first = 0) {
    streams_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      streams_.emplace_back(DeriveSeed(seed, first + i));
    }
  }
  std::size_t Draw(std::size_t sample, std::span<const float> probabilities) {
    const double u = streams_[sample].Uniform();
    double below = 0;
    std::size_t last = 0;  // rounding may leave the sum short of u
    for (std::size_t d = 0; d < probabilities.size(); ++d) {
      if (probabilities[d] > 0) {
        last = d;
        below += static_cast<double>(probabilities[d]);
        if (u < below) {
          break;
        }
      }
    }
    return last;
  }

 private:
  std::vector<Rng> streams_;
};

}  // namespace

std::vector<Proposal> SequenceDecoder::Sample(std::size_t count, Seed seed,
                                              double sampling_temperature) const {
  Streams streams(count, seed);
  return Decode(count, sampling_temperature,
                [&](std::size_t sample, std::size_t, std::span<const float> probabilities) {
                  return streams.Draw(sample, probabilities);
                });
}

std::vector<Proposal> SequenceDecoder::Complete(std::span<const std::vector<std::uint8_t>> given,
                                                Seed seed, double sampling_temperature,
                                                std::size_t first_sample) const {
  Streams streams(given.size(), seed, first_sample);
  std::vector<std::size_t> last(given.size(), kAnyDevice);
  return Decode(given.size(), sampling_temperature,
                [&](std::size_t sample, std::size_t group, std::span<const float> probabilities) {
                  const std::uint8_t device = given[sample][group];
                  if (device == kSameDevice && last[sample] < probabilities.size() &&
                      probabilities[last[sample]] > 0) {
                    return last[sample];
                  }
                  if (device != kAnyDevice && device != kSameDevice) {
                    return std::size_t{device};
                  }
                  last[sample] = streams.Draw(sample, probabilities);
                  return last[sample];
                });
}

Proposal SequenceDecoder::Greedy() const {
  return Decode(1, /*sampling_temperature=*/1,
                [](std::size_t, std::size_t, std::span<const float> row) {
                  return static_cast<std::size_t>(std::ranges::max_element(row) - row.begin());
                })
      .front();
}

}  // namespace placer::detail
