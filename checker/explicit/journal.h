// SPDX-License-Identifier: MIT
// Journal: the levels of a search on disk, one record after the other.
//
// It is the checkpoint: a search that was killed goes on from its last whole record.  It is where
// the frontier lies: levels are read through the page cache, not kept in memory.  And it is the way
// back: a path is found from the levels that it keeps.
//
// For one thread; what levels() gives may be read by all.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_JOURNAL_H
#define IOMMUCHECK_CHECKER_EXPLICIT_JOURNAL_H

#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "checker/explicit/feed.h"

namespace iommucheck::checker {

/// The journal cannot be used: the message says why, and what to do.
class JournalError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace explicit_state {

/// What a search had counted when it began with a level.
struct Counted {
  std::uint64_t states_without_symmetry = 0;
  std::vector<std::uint64_t> taken;  ///< of each step

  friend bool operator==(const Counted&, const Counted&) = default;
};

class Journal {
 public:
  /// Opens DIRECTORY/levels, or creates it (and the directory).  `identity` says what is explored:
  /// a journal of something else is refused.  With `resume`, records that are whole are there;
  /// what is after them is cut off.  Without, there must be no journal yet.  Throws JournalError.
  Journal(const std::filesystem::path& directory, const std::string& identity, unsigned words,
          bool resume);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// In the order of their depth; they stay readable as long as the journal lives.
  const std::vector<Level>& levels() const { return levels_; }
  /// As of the last level.
  const Counted& counted() const { return counted_; }

  /// Cuts off what is after so many levels: another rank does not have more.
  void cut(std::size_t levels);
  /// Adds a level; returns when it is on the disk.  Throws JournalError.
  void append(const Level& level, const Counted& counted);

 private:
  class Record;

  void write(const void* data, std::size_t bytes);
  void load(std::size_t most_levels);
  void cut_off();
  bool load_record();
  const std::byte* map(std::uint64_t offset, std::uint64_t bytes);
  [[noreturn]] void fail(const std::string& what) const;

  std::filesystem::path file_;
  unsigned words_;
  int fd_ = -1;
  std::uint64_t first_ = 0;  ///< where the first level's record is
  std::uint64_t end_ = 0;    ///< of the last whole record
  std::vector<Level> levels_;
  Counted counted_;
  std::vector<std::span<const std::byte>> maps_;
};

}  // namespace explicit_state
}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_JOURNAL_H
