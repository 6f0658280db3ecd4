// SPDX-License-Identifier: MIT
// Records of the journal: a header, counters, states, and a checksum that makes them whole.
#include "checker/explicit/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace iommucheck::checker::explicit_state {

namespace {

/// Records begin at pages, so that they can be mapped.
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kMagic = 0x31766c2d6b636d69;  // "imck-lv1", as it lies on the disk

struct Header {
  std::uint64_t magic = kMagic;
  std::uint64_t depth = 0;  ///< of the level; the first record holds the identity instead
  std::uint64_t words = 0;  ///< of a state
  std::uint64_t states = 0;
  std::uint64_t counters = 0;
  std::uint64_t states_without_symmetry = 0;
};

struct Trailer {
  std::uint64_t checksum = 0;
  std::uint64_t magic = ~kMagic;
};

std::uint64_t round_up(std::uint64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

}  // namespace

/// Writes one record and sums it up.
class Journal::Record {
 public:
  explicit Record(Journal& journal) : journal_(journal), sum_(XXH3_createState(), &XXH3_freeState) {
    XXH3_64bits_reset(sum_.get());
  }
  void add(const void* data, std::size_t bytes) {
    XXH3_64bits_update(sum_.get(), data, bytes);
    journal_.write(data, bytes);
    bytes_ += bytes;
  }
  /// The record's size on the disk.
  std::uint64_t finish() {
    const Trailer trailer{XXH3_64bits_digest(sum_.get()), ~kMagic};
    journal_.write(&trailer, sizeof trailer);
    bytes_ += sizeof trailer;
    const std::vector<std::byte> padding(round_up(bytes_) - bytes_);
    journal_.write(padding.data(), padding.size());
    // Before the search goes on: a level is in the journal, or it is not.
    if (fdatasync(journal_.fd_) != 0) journal_.fail("is not written to the disk");
    return round_up(bytes_);
  }

 private:
  Journal& journal_;
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> sum_;
  std::uint64_t bytes_ = 0;
};

Journal::Journal(const std::filesystem::path& directory, const std::string& identity,
                 unsigned words, bool resume)
    : file_(directory / "levels"), words_(words) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  fd_ = open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) fail("cannot be opened");
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0) fail("is in use by another run");
  struct stat status {};
  if (fstat(fd_, &status) != 0) fail("cannot be looked at");
  // Killed while it was made, there is nothing in it yet.
  Header begun;
  const ssize_t read = pread(fd_, &begun, sizeof begun, 0);
  const std::uint64_t first_bytes =
      sizeof(Header) + (identity.size() + 7) / 8 * 8 + sizeof(Trailer);
  const bool stub = static_cast<std::uint64_t>(status.st_size) < first_bytes &&
                    (read < ssize_t{8} || begun.magic == kMagic);
  const bool there = !stub;
  if (there && !resume) {
    throw JournalError(fmt::format("{} is there already: go on with it by --resume, or remove it",
                                   file_.string()));
  }
  std::string text = identity;
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (there) {
    const auto size = static_cast<std::uint64_t>(status.st_size);
    Header header;
    std::string found(text.size(), '\0');
    const bool whole =
        size >= first_bytes && pread(fd_, &header, sizeof header, 0) == sizeof header &&
        pread(fd_, found.data(), found.size(), sizeof header) == static_cast<ssize_t>(found.size());
    if (!whole || header.magic != kMagic || header.states != text.size() || header.words != words ||
        found != text) {
      throw JournalError(fmt::format(
          "{} is the journal of another run (other model, bounds or options, or another version of "
          "iommucheck): use another directory, or remove it",
          file_.string()));
    }
    first_ = end_ = round_up(first_bytes);
    load(~std::size_t{0});
    cut_off();
    return;
  }
  if (ftruncate(fd_, 0) != 0) fail("cannot be cut");
  Record record(*this);
  Header header;
  header.words = words;
  header.states = text.size();
  record.add(&header, sizeof header);
  record.add(text.data(), text.size());
  first_ = end_ = record.finish();
}

Journal::~Journal() {
  for (const auto& map : maps_) munmap(const_cast<std::byte*>(map.data()), map.size());
  if (fd_ >= 0) close(fd_);
}

void Journal::append(const Level& level, const Counted& counted) {
  Record record(*this);
  Header header;
  header.depth = levels_.size();
  header.words = words_;
  header.states = level.states;
  header.counters = counted.taken.size();
  header.states_without_symmetry = counted.states_without_symmetry;
  record.add(&header, sizeof header);
  record.add(counted.taken.data(), counted.taken.size() * sizeof(std::uint64_t));
  for (const explicit_state::Run& run : level.runs)
    record.add(run.first, run.count * words_ * sizeof(std::uint64_t));
  record.finish();
  if (!load_record()) fail("does not read as it was written");
}

void Journal::cut(std::size_t levels) {
  if (levels >= levels_.size()) return;
  // Counters are those of the last record: read up to there once more.
  levels_.clear();
  counted_ = {};
  end_ = first_;
  load(levels);
  cut_off();
}

void Journal::cut_off() {
  if (ftruncate(fd_, static_cast<off_t>(end_)) != 0) fail("cannot be cut");
  if (lseek(fd_, static_cast<off_t>(end_), SEEK_SET) < 0) fail("cannot be written to");
}

void Journal::load(std::size_t most_levels) {
  while (levels_.size() < most_levels && load_record()) {}
}

bool Journal::load_record() {
  struct stat status {};
  if (fstat(fd_, &status) != 0) fail("cannot be looked at");
  const std::uint64_t left = static_cast<std::uint64_t>(status.st_size) - end_;
  Header header;
  if (left < sizeof header || static_cast<std::uint64_t>(status.st_size) < end_) return false;
  if (pread(fd_, &header, sizeof header, static_cast<off_t>(end_)) != sizeof header) return false;
  constexpr std::uint64_t kWord = sizeof(std::uint64_t);
  if (header.magic != kMagic || header.depth != levels_.size() || header.words != words_ ||
      header.states > left / (words_ * kWord) || header.counters > left / kWord) {
    return false;
  }
  const std::uint64_t bytes = sizeof header + (header.counters + header.states * words_) * kWord;
  if (bytes + sizeof(Trailer) > left) return false;
  const std::byte* const data = map(end_, bytes + sizeof(Trailer));
  Trailer trailer;
  std::memcpy(&trailer, data + bytes, sizeof trailer);
  if (trailer.magic != ~kMagic || trailer.checksum != XXH3_64bits(data, bytes)) return false;
  const auto* const counters = reinterpret_cast<const std::uint64_t*>(data + sizeof header);
  counted_.taken.assign(counters, counters + header.counters);
  counted_.states_without_symmetry = header.states_without_symmetry;
  Level level;
  level.runs.push_back({counters + header.counters, header.states});
  level.states = header.states;
  levels_.push_back(std::move(level));
  end_ += round_up(bytes + sizeof(Trailer));
  return true;
}

const std::byte* Journal::map(std::uint64_t offset, std::uint64_t bytes) {
  void* const data = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd_, static_cast<off_t>(offset));
  if (data == MAP_FAILED) fail("cannot be mapped");
  maps_.emplace_back(static_cast<const std::byte*>(data), bytes);
  return maps_.back().data();
}

void Journal::write(const void* data, std::size_t bytes) {
  const auto* from = static_cast<const char*>(data);
  while (bytes != 0) {
    const ssize_t n = ::write(fd_, from, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("cannot be written to");
    from += n;
    bytes -= static_cast<std::size_t>(n);
  }
}

void Journal::fail(const std::string& what) const {
  const int error = errno;
  throw JournalError(
      fmt::format("the journal {} {}: {}", file_.string(), what, std::strerror(error)));
}

}  // namespace iommucheck::checker::explicit_state
