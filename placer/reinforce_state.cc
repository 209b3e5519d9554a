// What a checkpoint of a ReinforceTrainer holds.
#include <string>

#include "graphs/base/error.h"
#include "placer/checkpoint.h"
#include "placer/reinforce_trainer.h"

namespace placer {
namespace {

constexpr const char* kClock = "clock";

}  // namespace

std::string ReinforceTrainer::Identity() const {
  return request_.problem.Identity() + ", seed " + std::to_string(request_.seed) + ", options " +
         Describe(options_);
}

void ReinforceTrainer::Restore() {
  const Checkpoint checkpoint = ReadCheckpoint(request_.checkpoint);
  try {
    const auto section = [&](const std::string& name) -> const std::string& {
      const auto it = checkpoint.find(name);
      if (it == checkpoint.end()) {
        throw InputError("section '" + name + "' is missing");
      }
      return it->second;
    };
    if (section("identity") != Identity()) {
      throw InputError("belongs to another run: found " + section("identity") + ", expected " +
                       Identity());
    }
    policy_->Load(section("policy"));
    session_.RestoreState(section("session"));
    if (const auto clock = checkpoint.find(kClock); clock != checkpoint.end()) {
      session_.AddElapsed(Seconds(ByteReader(clock->second).TakeReal()));
    }
    ByteReader trainer(section("trainer"));
    update_ = static_cast<std::int64_t>(trainer.TakeInteger());
    has_baseline_ = trainer.TakeInteger() != 0;
    baseline_ = trainer.TakeReal();
    heat_ = trainer.TakeReal();
    elites_.resize(trainer.TakeInteger());
    for (Elite& elite : elites_) {
      const std::string devices = trainer.TakeBytes();
      elite.devices.assign(devices.begin(), devices.end());
      elite.summary.outcome = static_cast<StepOutcome>(trainer.TakeInteger());
      elite.summary.step_time = Picoseconds(static_cast<std::int64_t>(trainer.TakeInteger()));
      elite.summary.excess_bytes = static_cast<std::int64_t>(trainer.TakeInteger());
    }
  } catch (const InputError& error) {
    throw error.In(request_.checkpoint.string());
  }
}

void ReinforceTrainer::Save(const SearchSession& session) const {
  if (request_.checkpoint.empty()) {
    return;
  }
  ByteWriter trainer;
  trainer.Put(static_cast<std::uint64_t>(update_));
  trainer.Put(static_cast<std::uint64_t>(has_baseline_ ? 1 : 0));
  trainer.Put(baseline_);
  trainer.Put(heat_);
  trainer.Put(static_cast<std::uint64_t>(elites_.size()));
  for (const Elite& elite : elites_) {
    trainer.Put(std::string(elite.devices.begin(), elite.devices.end()));
    trainer.Put(static_cast<std::uint64_t>(elite.summary.outcome));
    trainer.Put(static_cast<std::uint64_t>(elite.summary.step_time.count()));
    trainer.Put(static_cast<std::uint64_t>(elite.summary.excess_bytes));
  }
  Checkpoint checkpoint = {{"identity", Identity()},
                           {"policy", policy_->Save()},
                           {"session", session.SaveState()},
                           {"trainer", trainer.bytes()}};
  if (request_.budget.seconds) {  // else equal runs leave equal bytes
    ByteWriter clock;
    clock.Put(session.elapsed().count());
    checkpoint[kClock] = clock.bytes();
  }
  WriteCheckpoint(checkpoint, request_.checkpoint);
}

}  // namespace placer
