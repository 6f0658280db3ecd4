// SPDX-License-Identifier: MIT
// The checkers that explore the reference model: ours, SPIN and Rumur.
//
// A checker belongs to one thread.
#ifndef IOMMUCHECK_BENCH_REFERENCE_PEERS_H
#define IOMMUCHECK_BENCH_REFERENCE_PEERS_H

#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "bench/reference/child.h"
#include "bench/reference/rows.h"

namespace iommucheck::bench {

/// bench/reference/pasid.pml and pasid.m.in.
std::string promela_text();
std::string murphi_text();

/// A checker did not come to an end, or says that something is violated.
class CheckerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One exploration, whole process: what it found, and what it took.
struct Run {
  Counts counts;
  double seconds = 0;      ///< wall clock of the process
  double cpu_seconds = 0;  ///< of all its threads: what is left of a measurement on a busy machine
  std::uint64_t peak_bytes = 0;
};

class Checker {
 public:
  virtual ~Checker() = default;
  virtual std::string name() const = 0;
  /// How it is run: its options, in one line.
  virtual std::string how() const = 0;
  /// What has to be installed for it, if it is not.
  virtual std::optional<std::string> missing() const = 0;
  /// Gets ready for a row (generates, compiles).  Throws CheckerError.
  virtual void prepare(const Row& row) = 0;
  /// Explores the row it is ready for.  Throws CheckerError.
  virtual Run run() = 0;
};

/// `binary check reference`, with --jobs.
std::unique_ptr<Checker> ours(const std::filesystem::path& binary, unsigned jobs);
/// SPIN on this Promela text, breadth first, one core.  Works in `folder`, which has to be there.
std::unique_ptr<Checker> spin(std::string promela, std::uint64_t memory_bytes,
                              const std::filesystem::path& folder);
/// Rumur on this Murphi template, with --threads.  Works in `folder`, which has to be there.
std::unique_ptr<Checker> rumur(std::string murphi, unsigned jobs,
                               const std::filesystem::path& folder);

namespace detail {
/// Writes a file of a checker.
void write_file(const std::filesystem::path& file, const std::string& text);
/// Runs a program that has to succeed.
Child run_or_throw(std::vector<std::string> argv, const std::filesystem::path& folder);
/// Which of these programs cannot be started, as a sentence; null if all can.
std::optional<std::string> missing_programs(const std::vector<std::string>& programs);
/// The number that the regular expression's first group matches.
std::uint64_t number_in(const std::string& text, const char* pattern);
}  // namespace detail

}  // namespace iommucheck::bench

#endif  // IOMMUCHECK_BENCH_REFERENCE_PEERS_H
