#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "policy/process_group.h"

namespace placer {

/// Does a job; what it returns is the answer.
using DoJob = std::function<std::string(const std::string& job)>;

/// How a run ended, for all ranks.
struct RunEnd {
  int exit_code = 0;
  std::string message;  ///< one line; empty: nothing to say
};

/// The other ranks, as rank 0 has them work: it alone decides what happens, and keeps all state
/// that is not the policy's. A rank that is lost is noticed when a job is sent or its answer is
/// due; its share is then done here, so that what is going on can be brought to an end in good
/// order. Not thread-safe.
class RankTeam {
 public:
  /// Borrows. Of a group's rank 0.
  explicit RankTeam(ProcessGroup& group);
  /// Tells the others that rank 0 failed, unless they were told how the run ended.
  ~RankTeam();
  RankTeam(const RankTeam&) = delete;
  RankTeam& operator=(const RankTeam&) = delete;

  /// With rank 0.
  [[nodiscard]] std::size_t size() const noexcept { return group_.size(); }
  /// The first rank that was lost, in words; nothing as long as all are there.
  [[nodiscard]] const std::optional<std::string>& lost() const noexcept { return lost_; }

  /// Waits for every rank's word that it is ready: what it works on. @throws InputError if that is
  /// not `here`, or a rank could not begin; LostRankError if one is gone
  void CheckReady(const std::string& here);
  /// Rank r does jobs[r], rank 0 its own by `here`; an empty job is nobody's work.
  /// @return  the answers by rank. @throws Error if a job failed elsewhere
  [[nodiscard]] std::vector<std::string> Share(std::span<const std::string> jobs,
                                               const DoJob& here);
  /// Every other rank does the job, without an answer.
  void TellAll(const std::string& job);
  void Finish(const RunEnd& end);

 private:
  bool Send(std::size_t rank, const std::string& message);
  std::optional<std::string> Receive(std::size_t rank);
  void Lose(const LostRankError& error);

  ProcessGroup& group_;
  std::vector<bool> there_;
  std::vector<int> answers_due_;
  std::optional<std::string> lost_;
  bool finished_ = false;
};

/// The life of any other rank: says that it is ready, does jobs until rank 0 ends the run.
/// @param begin  makes what does the jobs, and sets `ready` to what it works on; what it throws is
///               told to rank 0
/// @throws LostRankError if rank 0 is gone
[[nodiscard]] RunEnd ServeRankZero(ProcessGroup& group,
                                   const std::function<DoJob(std::string& ready)>& begin);

/// The part of [0, count) that is the `part`-th of `parts`, as first and last + 1. Parts differ by
/// at most one.
struct Range {
  std::size_t first = 0, last = 0;
  [[nodiscard]] std::size_t size() const noexcept { return last - first; }
};
[[nodiscard]] constexpr Range PartOf(std::size_t count, std::size_t part,
                                     std::size_t parts) noexcept {
  return {part * count / parts, (part + 1) * count / parts};
}

}  // namespace placer
