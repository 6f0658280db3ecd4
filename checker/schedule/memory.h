// SPDX-License-Identifier: MIT
// Memory: who has read and written each piece of memory in this execution.
//
// Two questions are answered from it: whether an access races with an earlier one (byte by byte,
// by the program's synchronisation), and which earlier scheduling points an access depends on
// (by pieces of eight bytes, by the trace order).
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_MEMORY_H
#define IOMMUCHECK_CHECKER_SCHEDULE_MEMORY_H

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

#include "checker/schedule/clock.h"
#include "checker/schedule/operation.h"

namespace iommucheck::schedule {

struct Access {
  std::uintptr_t pc = 0;
  std::uint32_t time = 0;  ///< the thread's own component of its clock
  /// Thread, bytes and properties: of two that agree in them the later one stands for both.
  std::uint32_t kind = 0;
  std::uint32_t seen = 0;  ///< of a marked write: the first of its Seeings; 0: none

  static constexpr std::uint32_t kWrite = 1U << 16U;
  /// READ_ONCE, WRITE_ONCE, atomics, lock words: no data race by itself.
  static constexpr std::uint32_t kMarked = 1U << 17U;
  static constexpr std::uint32_t kInReader = 1U << 18U;  ///< inside rcu_read_lock()
  /// `bytes`: of the eight, a bit each.
  static constexpr std::uint32_t kind_of(ThreadId thread, std::uint8_t bytes) {
    return thread | std::uint32_t{bytes} << 8U;
  }
  ThreadId thread() const { return static_cast<ThreadId>(kind); }
  std::uint8_t bytes() const { return static_cast<std::uint8_t>(kind >> 8U); }
  bool write() const { return (kind & kWrite) != 0; }
  bool marked() const { return (kind & kMarked) != 0; }
  bool in_reader() const { return (kind & kInReader) != 0; }
  /// Piece by piece: a copy of what was just written so has to wait for the pieces.
  void set(std::uintptr_t at, std::uint32_t when, std::uint32_t what) {
    pc = at;
    time = when;
    kind = what;
    seen = 0;
  }
};

/// Another thread has read a marked write, or what replaced it.  Of each thread the first time, and
/// the first time with acquire semantics: who comes after a later one comes after these.
struct Seeing {
  std::uint32_t at = 0;    ///< by the reader's clock
  std::uint32_t next = 0;  ///< of the same write; 0: none
  ThreadId by = 0;
  bool acquiring = false;  ///< else a fence behind it may be
};

/// What was published with a store of release semantics, for who reads it with acquire semantics.
struct Published {
  std::uint8_t bytes = 0;
  Clock clock;
};

/// A list that mostly has one element, without an allocation then.  What holds it does not move.
class Accesses {
 public:
  Accesses() = default;
  ~Accesses() {
    if (data_ != &one_) delete[] data_;
  }
  Accesses(const Accesses&) = delete;
  Accesses& operator=(const Accesses&) = delete;

  Access* begin() { return data_; }
  Access* end() { return data_ + size_; }
  const Access* begin() const { return data_; }
  const Access* end() const { return data_ + size_; }
  std::size_t size() const { return size_; }
  /// One more, which says nothing yet.
  Access& add() {
    if (size_ == room_) grow();
    return data_[size_++];
  }
  /// Without those from `end` on.
  void cut(const Access* end) { size_ = static_cast<std::uint32_t>(end - data_); }
  void clear() { size_ = 0; }
  /// The only one, which says nothing yet.
  Access& only() {
    size_ = 1;
    return *data_;
  }

 private:
  Access* data_ = &one_;
  std::uint32_t size_ = 0, room_ = 1;
  Access one_;

  void grow();
};

/// Eight bytes.  Most are never met by a scheduling point, and have no Points.  There are many:
/// each is a line of the processor's cache.
struct alignas(64) Cell {
  struct Points {
    std::vector<Published> published;
    std::array<std::uint32_t, kMaxThreads> read_at{};  ///< positions, of `readers` only
  };

  std::uint32_t stamp = 0;    ///< of the last execution that has met it
  std::uint16_t threads = 0;  ///< whose accesses there may be
  bool promoted = false;      ///< plain accesses are scheduling points, too
  // Scheduling points, by position in the execution; 0: none.
  std::uint32_t last_write = 0;
  ThreadMask readers = 0;  ///< since the last write
  std::unique_ptr<Points> points;
  Accesses accesses;

  Points& with_points() {
    if (points == nullptr) points = std::make_unique<Points>();
    return *points;
  }
};

static_assert(sizeof(Cell) == 64);

class Memory {
 public:
  Memory();

  /// Forgets the execution, not the promotions.
  void clear();
  void clear_promotions();

  Cell& at(std::uintptr_t granule) {
    Page& page = page_of(granule);
    Cell& cell = page.cells[granule % kPageCells];
    if (cell.stamp != stamp_) renew(cell, (page.promoted >> (granule % kPageCells) & 1) != 0);
    return cell;
  }
  /// Null if nobody has touched it.
  Cell* find(std::uintptr_t granule) {
    Page* page = find_page(granule / kPageCells);
    if (page == nullptr) return nullptr;
    Cell& cell = page->cells[granule % kPageCells];
    return cell.stamp == stamp_ ? &cell : nullptr;
  }

  /// The granule's plain accesses are scheduling points from the next execution on.  False: they
  /// were already to be.
  bool promote(std::uintptr_t granule);
  bool is_promoted(std::uintptr_t granule) const { return promoted_.contains(granule); }
  std::size_t promotions() const { return promoted_.size(); }
  /// In ascending order.
  std::vector<std::uintptr_t> promoted() const;

  /// An earlier access that races with this one, or null.  `clock` is what has happened before for
  /// the thread that accesses; `is_over(write)` says it of a marked write by its effects.
  template <class IsOver>
  static const Access* conflict(const Cell& cell, const Access& access, const Clock& clock,
                                IsOver is_over) {
    if ((cell.threads & ~mask_of(access.thread())) == 0) return nullptr;
    for (const Access& other : cell.accesses) {
      if (other.thread() == access.thread() || (other.bytes() & access.bytes()) == 0) continue;
      if (!(other.write() || access.write()) || (other.marked() && access.marked())) continue;
      if (clock.covers(other.thread(), other.time)) continue;
      if (other.write() && other.marked() && is_only_write(cell, other) && is_over(other)) continue;
      return &other;
    }
    return nullptr;
  }
  /// Whether nobody has written the same bytes beside it: then what was read there is its value.
  static bool is_only_write(const Cell& cell, const Access& write) {
    for (const Access& other : cell.accesses) {
      if (&other != &write && other.write() && (other.bytes() & write.bytes()) != 0) return false;
    }
    return true;
  }
  static void note(Cell& cell, const Access& access, const Clock& clock);
  void note_seeing(Access& write, const Seeing& seeing);
  /// Whether one of the write's seeings is such.
  template <class Predicate>
  bool any_seeing(const Access& write, Predicate predicate) const {
    for (std::uint32_t i = write.seen; i != 0; i = seeings_[i].next) {
      if (predicate(seeings_[i])) return true;
    }
    return false;
  }
  /// Notes an access that cannot race, because there are no others, or one of its own kind.  False:
  /// there are.
  static bool note_alone(Cell& cell, std::uintptr_t pc, std::uint32_t time, std::uint32_t kind) {
    if (cell.accesses.size() == 0) {
      cell.threads = static_cast<std::uint16_t>(mask_of(kind & 0xffU));
    } else if (cell.accesses.size() != 1 || cell.accesses.begin()->kind != kind) {
      return false;
    }
    cell.accesses.only().set(pc, time, kind);
    return true;
  }

 private:
  /// Neighbours, which are often met together.  Programs meet the same addresses in each execution,
  /// so that pages stay.
  static constexpr std::uintptr_t kPageCells = 64;
  struct Page {
    std::array<Cell, kPageCells> cells;
    std::uint64_t promoted = 0;  ///< cells, a bit each
  };
  struct Slot {
    std::uintptr_t number = 0;
    std::unique_ptr<Page> page;
  };
  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  std::uint32_t stamp_ = 1;
  std::uintptr_t last_number_ = 0;
  Page* last_ = nullptr;
  std::unordered_set<std::uintptr_t> promoted_;
  std::vector<Seeing> seeings_{1};  ///< the first one is none

  Page& page_of(std::uintptr_t granule) {
    const std::uintptr_t number = granule / kPageCells;
    Page* page = find_page(number);
    return page != nullptr ? *page : add_page(number);
  }
  Page* find_page(std::uintptr_t number) {
    if (last_number_ == number) return last_;
    Page* page = slot_of(number).page.get();
    if (page != nullptr) {
      last_number_ = number;
      last_ = page;
    }
    return page;
  }
  Slot& slot_of(std::uintptr_t number) {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = (number * 0x9e3779b97f4a7c15U) >> 32U;; ++at) {
      Slot& slot = slots_[at & mask];
      if (slot.page == nullptr || slot.number == number) return slot;
    }
  }
  void renew(Cell& cell, bool promoted) {
    cell.stamp = stamp_;
    cell.promoted = promoted;
    cell.last_write = 0;
    cell.readers = 0;
    cell.threads = 0;
    cell.accesses.clear();
    if (cell.points != nullptr) cell.points->published.clear();
  }
  Page& add_page(std::uintptr_t number);
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_MEMORY_H
