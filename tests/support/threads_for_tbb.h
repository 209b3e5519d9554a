#ifndef TESTS_SUPPORT_THREADS_FOR_TBB_H_
#define TESTS_SUPPORT_THREADS_FOR_TBB_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

/// The few TBB calls that Placer uses, on std::thread. The build with ThreadSanitizer includes this
/// instead of TBB: the sanitizer cannot see how an uninstrumented libtbb hands work from thread to
/// thread and would report each hand-over as a race. Races between the bodies are seen as well as
/// with TBB.
namespace tbb {

/// How many threads a loop may use where it is called; set by task_arena. More than the machine has
/// cores, so that bodies interleave.
inline thread_local int loop_threads = 4;

template <typename T>
class enumerable_thread_specific {
 public:
  explicit enumerable_thread_specific(std::function<T()> make) : make_(std::move(make)) {}
  enumerable_thread_specific(enumerable_thread_specific&& other) noexcept
      : make_(std::move(other.make_)), of_thread_(std::move(other.of_thread_)) {}

  T& local() {
    const std::scoped_lock lock(mutex_);
    const auto it = of_thread_.find(std::this_thread::get_id());
    return it != of_thread_.end()
               ? it->second
               : of_thread_.emplace(std::this_thread::get_id(), make_()).first->second;
  }

 private:
  std::function<T()> make_;
  std::mutex mutex_;
  std::map<std::thread::id, T> of_thread_;
};

class task_arena {
 public:
  explicit task_arena(int threads) : threads_(threads) {}

  template <typename Function>
  auto execute(const Function& function) {
    struct Restore {
      int threads = loop_threads;
      ~Restore() { loop_threads = threads; }
    } const restore;
    loop_threads = threads_;
    return function();
  }

 private:
  int threads_;
};

template <typename Index, typename Body>
void parallel_for(Index first, Index last, const Body& body) {
  std::atomic<Index> next{first};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    for (Index i = next++; i < last; i = next++) {
      try {
        body(i);
      } catch (...) {
        const std::scoped_lock lock(mutex);
        failure = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int t = 1; t < loop_threads; ++t) {
      threads.emplace_back(work);
    }
    work();
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

}  // namespace tbb

#endif  // TESTS_SUPPORT_THREADS_FOR_TBB_H_
