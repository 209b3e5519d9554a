#include "placer/rank_team.h"

#include <utility>

#include "graphs/base/error.h"
#include "placer/checkpoint.h"

namespace placer {
namespace {

/// First number of a message to a rank.
enum class Order : std::uint8_t { kAnswer, kDo, kEnd };

std::string MessageOf(Order order, const std::string& job) {
  ByteWriter message;
  message.Put(static_cast<std::uint64_t>(order));
  message.Put(job);
  return message.bytes();
}

std::string AnswerOf(bool failed, const std::string& text) {
  ByteWriter answer;
  answer.Put(static_cast<std::uint64_t>(failed ? 1 : 0));
  answer.Put(text);
  return answer.bytes();
}

struct Answer {
  bool failed = false;
  std::string text;
};
Answer ReadAnswer(const std::string& bytes) {
  ByteReader reader(bytes);
  const bool failed = reader.TakeInteger() != 0;
  return {failed, reader.TakeBytes()};
}

}  // namespace

RankTeam::RankTeam(ProcessGroup& group)
    : group_(group), there_(group.size(), true), answers_due_(group.size(), 1) {
  answers_due_[0] = 0;  // of the others, their word that they are ready
}

RankTeam::~RankTeam() {
  try {
    Finish({1, "rank 0 has failed"});
  } catch (const std::exception&) {  // nobody is left to tell
  }
}

void RankTeam::Lose(const LostRankError& error) {
  there_[error.rank()] = false;
  if (!lost_) {
    lost_ = error.what();
  }
}

bool RankTeam::Send(std::size_t rank, const std::string& message) {
  if (!there_[rank]) {
    return false;
  }
  try {
    group_.Send(rank, message);
  } catch (const LostRankError& error) {
    Lose(error);
  }
  return there_[rank];
}

std::optional<std::string> RankTeam::Receive(std::size_t rank) {
  if (!there_[rank]) {
    return std::nullopt;
  }
  try {
    --answers_due_[rank];
    return group_.Receive(rank);
  } catch (const LostRankError& error) {
    Lose(error);
    return std::nullopt;
  }
}

void RankTeam::CheckReady(const std::string& here) {
  for (std::size_t rank = 1; rank < size(); ++rank) {
    const std::optional<std::string> bytes = Receive(rank);
    if (!bytes) {
      throw Error(*lost_);
    }
    const Answer answer = ReadAnswer(*bytes);
    std::string fault;
    if (answer.failed) {
      fault = "rank " + std::to_string(rank) + ": " + answer.text;
    } else if (answer.text != here) {
      fault = "rank " + std::to_string(rank) + " runs something else: found " + answer.text +
              ", expected that of rank 0, " + here;
    }
    if (!fault.empty()) {
      Finish({2, fault});
      throw InputError(fault);
    }
  }
}

std::vector<std::string> RankTeam::Share(std::span<const std::string> jobs, const DoJob& here) {
  std::vector<bool> sent(size(), false);
  for (std::size_t rank = 1; rank < jobs.size(); ++rank) {
    sent[rank] = !jobs[rank].empty() && Send(rank, MessageOf(Order::kAnswer, jobs[rank]));
    answers_due_[rank] += sent[rank] ? 1 : 0;
  }
  std::vector<std::string> answers(jobs.size());
  for (std::size_t rank = 0; rank < jobs.size(); ++rank) {
    std::optional<std::string> bytes;
    if (sent[rank]) {
      bytes = Receive(rank);
    }
    if (!bytes) {
      answers[rank] = jobs[rank].empty() ? std::string() : here(jobs[rank]);
      continue;
    }
    Answer answer = ReadAnswer(*bytes);
    if (answer.failed) {
      throw Error("rank " + std::to_string(rank) + ": " + answer.text);
    }
    answers[rank] = std::move(answer.text);
  }
  return answers;
}

void RankTeam::TellAll(const std::string& job) {
  const std::string message = MessageOf(Order::kDo, job);
  for (std::size_t rank = 1; rank < size(); ++rank) {
    Send(rank, message);
  }
}

void RankTeam::Finish(const RunEnd& end) {
  if (std::exchange(finished_, true)) {
    return;
  }
  ByteWriter message;
  message.Put(static_cast<std::uint64_t>(Order::kEnd));
  message.Put(static_cast<std::uint64_t>(end.exit_code));
  message.Put(end.message);
  for (std::size_t rank = 1; rank < size(); ++rank) {
    while (there_[rank] && answers_due_[rank] > 0) {
      static_cast<void>(Receive(rank));
    }
    Send(rank, message.bytes());
  }
}

RunEnd ServeRankZero(ProcessGroup& group, const std::function<DoJob(std::string& ready)>& begin) {
  DoJob work;
  std::string ready;
  try {
    work = begin(ready);
    group.Send(0, AnswerOf(false, ready));
  } catch (const LostRankError&) {
    throw;
  } catch (const Error& error) {
    group.Send(0, AnswerOf(true, error.what()));
  }
  while (true) {
    const std::string message = group.Receive(0);
    ByteReader reader(message);
    const auto order = static_cast<Order>(reader.TakeInteger());
    if (order == Order::kEnd) {
      const auto code = static_cast<int>(reader.TakeInteger());
      return {code, reader.TakeBytes()};
    }
    const std::string job = reader.TakeBytes();
    if (order == Order::kDo) {
      work(job);
      continue;
    }
    std::string answer;
    try {
      answer = AnswerOf(false, work(job));
    } catch (const Error& error) {
      answer = AnswerOf(true, error.what());
    }
    group.Send(0, answer);
  }
}

}  // namespace placer
