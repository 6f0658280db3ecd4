// SPDX-License-Identifier: MIT
// Random prefetched accesses to a table.
#include "bench/reference/memory_floor.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

namespace iommucheck::bench {
namespace {

constexpr std::uint64_t kLine = 64;
/// Of each thread and pass: some 10 ms, so that the start of the threads does not matter.
constexpr std::uint64_t kAccesses = std::uint64_t{1} << 20;

struct Line {
  std::array<std::uint64_t, kLine / sizeof(std::uint64_t)> words;
};

/// A sum of what is read, so that the compiler keeps the reads.
template <unsigned kBatch>
std::uint64_t read_lines(const Line* table, std::uint64_t lines, std::uint64_t seed) {
  std::array<std::uint64_t, kBatch> where{};
  std::uint64_t sum = 0;
  std::uint64_t random = seed;
  for (std::uint64_t done = 0; done < kAccesses; done += kBatch) {
    for (auto& line : where) {
      random = random * 6364136223846793005U + 1442695040888963407U;  // Knuth's MMIX generator
      line = (random >> 32U) * lines >> 32U;
      __builtin_prefetch(&table[line]);
    }
    for (const auto line : where) sum += table[line].words[0];
  }
  return sum;
}

/// CPU time of this thread: on a busy machine the clock says what others do.
double thread_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// Nanoseconds per access of all threads together.
template <unsigned kBatch>
double pass(const Line* table, std::uint64_t lines, unsigned jobs) {
  std::atomic<std::uint64_t> sum{0};
  std::vector<double> times(jobs);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < jobs; ++i) {
    threads.emplace_back([&, i] {
      const double begin = thread_nanoseconds();
      sum += read_lines<kBatch>(table, lines, 2 * i + 1);
      times[i] = thread_nanoseconds() - begin;
    });
  }
  for (auto& thread : threads) thread.join();
  if (sum == 0) throw std::logic_error("the table was not read");
  return *std::max_element(times.begin(), times.end()) / static_cast<double>(kAccesses * jobs);
}

double measure(std::uint64_t table_bytes, unsigned jobs) {
  const std::uint64_t lines = std::max<std::uint64_t>(table_bytes / kLine, 1024);
  // The random numbers have 32 bits.
  if (lines > std::numeric_limits<std::uint32_t>::max())
    throw std::runtime_error("tables of at most 256 GB are measured");
  void* memory =
      mmap(nullptr, lines * kLine, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory for the table");
  madvise(memory, lines * kLine, MADV_HUGEPAGE);  // where there are none, small pages
  auto* table = static_cast<Line*>(memory);
  for (std::uint64_t i = 0; i < lines; ++i) table[i].words[0] = i + 1;
  double best = std::numeric_limits<double>::max();
  for (int repeat = 0; repeat < 3; ++repeat) {
    best = std::min({best, pass<8>(table, lines, jobs), pass<16>(table, lines, jobs),
                     pass<32>(table, lines, jobs), pass<64>(table, lines, jobs)});
  }
  munmap(memory, lines * kLine);
  return best;
}

}  // namespace

double memory_floor(std::uint64_t table_bytes, unsigned jobs) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("pipe() fails");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork() fails");
  if (child == 0) {
    double result = 0;
    try {
      result = measure(table_bytes, jobs);
    } catch (const std::exception&) {
      result = 0;
    }
    const bool written = write(ends[1], &result, sizeof result) == sizeof result;
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  double result = 0;
  const bool got = read(ends[0], &result, sizeof result) == sizeof result;
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (!got || result <= 0) throw std::runtime_error("the memory floor could not be measured");
  return result;
}

}  // namespace iommucheck::bench
