#include "policy/detail/heartbeat.h"

#include <exception>
#include <utility>

namespace placer::detail {

struct Heartbeat::State {
  Add add;
  std::string own_key;
  std::vector<std::size_t> watched;
  std::chrono::milliseconds period{};

  std::mutex mutex;
  std::condition_variable changed;
  bool stop = false;
  bool in_store = false;             ///< a call of `add` is going on
  std::int64_t rounds = 0;           ///< of the beater
  std::vector<std::int64_t> counts;  ///< of the watched ranks, as read last
};

namespace {

std::string KeyOf(std::size_t rank) { return "beat/" + std::to_string(rank); }

/// How long something has not changed.
struct Silence {
  std::int64_t last = -1;
  int periods = 0;
  /// @return whether this is the period in which patience ends
  bool Note(std::int64_t value, int patience) {
    periods = value == last ? periods + 1 : 0;
    last = value;
    return periods == patience;
  }
};

}  // namespace

Heartbeat::Heartbeat(Add add, std::size_t rank, std::vector<std::size_t> watched,
                     std::size_t keeper, OnSilent on_silent, std::chrono::milliseconds period,
                     int patience)
    : state_(std::make_shared<State>()),
      keeper_(keeper),
      on_silent_(std::move(on_silent)),
      period_(period),
      patience_(patience) {
  state_->add = std::move(add);
  state_->own_key = KeyOf(rank);
  state_->counts.resize(watched.size());
  state_->watched = std::move(watched);
  state_->period = period;
  beater_ = std::thread([state = state_] { Beat(state); });
  watcher_ = std::thread([this] { Watch(); });
}

Heartbeat::~Heartbeat() {
  bool stuck = false;
  {
    std::unique_lock lock(state_->mutex);
    state_->stop = true;
    state_->changed.notify_all();
    stuck = !state_->changed.wait_for(lock, period_, [this] { return !state_->in_store; });
  }
  watcher_.join();
  if (stuck) {
    beater_.detach();
  } else {
    beater_.join();
  }
}

void Heartbeat::Beat(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (!state->stop) {
    state->in_store = true;
    lock.unlock();
    std::vector<std::int64_t> counts;
    try {
      static_cast<void>(state->add(state->own_key, 1));
      for (const std::size_t rank : state->watched) {
        counts.push_back(state->add(KeyOf(rank), 0));
      }
    } catch (const std::exception&) {
      counts.clear();  // the watcher sees that nothing changes any more
    }
    lock.lock();
    state->in_store = false;
    state->changed.notify_all();
    if (counts.size() == state->watched.size()) {
      state->counts = std::move(counts);
      ++state->rounds;
    }
    state->changed.wait_for(lock, state->period, [&] { return state->stop; });
  }
}

void Heartbeat::Watch() {
  Silence store;
  std::vector<Silence> ranks(state_->watched.size());
  std::unique_lock lock(state_->mutex);
  while (!state_->changed.wait_for(lock, period_, [this] { return state_->stop; })) {
    std::vector<std::size_t> silent;
    if (store.Note(state_->rounds, patience_)) {
      silent.push_back(keeper_);
    }
    for (std::size_t i = 0; i < ranks.size() && store.periods == 0; ++i) {
      if (ranks[i].Note(state_->counts[i], patience_)) {
        silent.push_back(state_->watched[i]);
      }
    }
    lock.unlock();
    for (const std::size_t rank : silent) {
      on_silent_(rank);
    }
    lock.lock();
  }
}

}  // namespace placer::detail
