// SPDX-License-Identifier: MIT
// StoreBuffers: memory that is weaker than sequentially consistent.  A store of a CPU waits in its
// buffer; some time later a step of the actor "memory" makes it visible to the others.
//
// TSO: the stores of a CPU become visible in their order (Owens, Sarkar, Sewell: "A better x86
// memory model: x86-TSO", 2009).  PSO: only those to the same location do, and those with an
// smp_wmb() in between.  Only the declared locations are buffered; locks, and atomics that a design
// begins by smp_mb(), wait until the CPU's buffer is empty.  What that leaves out is in
// docs/limits.md.
#ifndef IOMMUCHECK_MODEL_KERNEL_STORE_BUFFERS_H
#define IOMMUCHECK_MODEL_KERNEL_STORE_BUFFERS_H

#include <functional>

#include "model/kernel/heap.h"

namespace iommucheck::model {

enum class MemoryModel : std::uint8_t { sc, tso, pso };

/// Locations are numbered: first those of numbers, then those of pointers.  Neighbours of the same
/// name are the same field of the objects of a pool.
struct StoreBufferShape {
  MemoryModel memory = MemoryModel::sc;
  unsigned stores = 2;  ///< of a CPU that may be pending at once; one more waits; 1 .. 8
  std::vector<std::string> numbers = {};   ///< locations, as traces name them
  std::uint32_t max = 0;                   ///< the largest number that is stored
  std::vector<std::string> pointers = {};  ///< locations
  std::uint32_t objects = 0;               ///< that a pointer may point to
  std::string pool = {};                   ///< of these objects

  unsigned size() const { return static_cast<unsigned>(numbers.size() + pointers.size()); }
  const std::string& name(unsigned at) const {
    return at < numbers.size() ? numbers[at] : pointers.at(at - numbers.size());
  }
};

/// A store that is pending.
template <class D>
struct PendingStore : Record<D> {
  PendingStore(Scope<D> scope, const StoreBufferShape& shape)
      : Record<D>(std::move(scope)),
        location(*this, "location", shape.size(), names(shape)),
        number(*this, "value", shape.max),
        pointer(*this, "pointer", shape.objects, pointer_to(shape.pool)),
        after(*this, "after_wmb", shape.memory == MemoryModel::pso ? 1 : 0) {}
  Var<D> location;         ///< 1 + its number; 0: the place is free
  Var<D> number, pointer;  ///< the value, as the location has it; 0 in the other one
  Var<D> after;            ///< there is an smp_wmb() between the store before and this one

 private:
  static Format names(const StoreBufferShape& shape) {
    Format format{Format::Kind::names, {"none"}};
    for (unsigned at = 0; at < shape.size(); ++at) format.names.push_back(shape.name(at));
    return format;
  }
};

/// What a CPU has stored and others do not see yet, the oldest first.
template <class D>
struct StoreBuffer : Record<D> {
  StoreBuffer(Scope<D> scope, const StoreBufferShape& shape)
      : Record<D>(scope),
        store(*this, "store", shape.memory == MemoryModel::sc ? 0 : shape.stores, shape),
        wmb(*this, "wmb", shape.memory == MemoryModel::pso ? 1 : 0) {}
  Array<D, PendingStore<D>> store;
  Var<D> wmb;  ///< an smp_wmb() comes after the last one of them
};

template <class D>
class StoreBuffers : public WeakStores<D> {
 public:
  using V = Val<D>;
  using B = Bool<D>;

  /// The memory behind the locations: how it is read and written.
  using Load = std::function<V(unsigned location)>;
  using Store = std::function<void(unsigned location, V value)>;

  StoreBuffers(Design<D>& design, const StoreBufferShape& shape, Load load, Store store)
      : shape_(shape),
        design_(&design),
        load_(std::move(load)),
        store_(std::move(store)),
        buffer_(design.root(), "store_buffer", over(design.threads(), design.process_count()),
                shape) {
    if (!weak()) return;
    if (design.threads().exists())
      throw std::logic_error("store buffers need ProcessBounds::threads_told_apart");
    for (unsigned cpu = 0; cpu < design.process_count(); ++cpu) {
      for (unsigned at = 0, end = 0; at < locations(); at = end) {
        while (end < locations() && shape_.name(end) == shape_.name(at)) ++end;
        code_.push_back({"memory",
                         fmt::format("the store of {} to {} becomes visible",
                                     design.process_name(cpu), shape_.name(at)),
                         false, 0, [this, cpu, at, end](unsigned) { drain(cpu, at, end); }});
      }
    }
    design.add_actor("memory", code_, "every store becomes visible some time");
    design.use(*this);
  }

  /// READ_ONCE(): the CPU's own last store to it, as long as that is pending, else memory.
  V read_once(Cpu<D>& t, V location) const {
    V value =
        sum_of<D>(locations(), [&](unsigned i) { return select(location == i, load_(i), V(0)); });
    return weak() ? pending_or(t.self(), location, value, shape_.stores) : value;
  }
  /// WRITE_ONCE(), a plain store.
  void write_once(Cpu<D>& t, V location, V value) const {
    if (!weak()) {
      write(location, value);
      return;
    }
    auto&& buffer = buffer_[t.self()];
    t.require(buffer.store[shape_.stores - 1].location == 0U);
    std::vector<B> is_next;  // stores are pending without a gap
    for (unsigned i = 0; i < shape_.stores; ++i) {
      const B free = buffer.store[i].location == 0U;
      is_next.push_back(i == 0 ? free : free && buffer.store[i - 1].location != 0U);
    }
    for (unsigned i = 0; i < shape_.stores; ++i) {
      t.when(is_next[i], [&] {
        auto&& last = buffer.store[i];
        last.location = location + 1U;
        last.number = select(location < first_pointer(), value, V(0));
        last.pointer = select(location < first_pointer(), V(0), value);
        if (i != 0) last.after = buffer.wmb;
      });
    }
    buffer.wmb = 0;
  }
  /// smp_wmb(), dma_wmb().
  void smp_wmb(Cpu<D>& t) const {
    if (shape_.memory != MemoryModel::pso) return;
    t.when(!empty(t.self()), [&] { buffer_[t.self()].wmb = 1; });
  }
  /// smp_mb(), and what implies it: the step waits until nothing is pending.
  void smp_mb(Cpu<D>& t) const { t.require(empty(t.self())); }
  /// smp_store_release(), rcu_assign_pointer().
  void store_release(Cpu<D>& t, V location, V value) const {
    smp_wmb(t);
    write_once(t, location, value);
  }

  B empty(unsigned cpu) const override {
    return weak() ? buffer_[cpu].store[0U].location == 0U : B(true);
  }

 private:
  bool weak() const { return shape_.memory != MemoryModel::sc; }
  unsigned locations() const { return shape_.size(); }
  unsigned first_pointer() const { return static_cast<unsigned>(shape_.numbers.size()); }
  void write(V location, V value) const {
    for (unsigned i = 0; i < locations(); ++i)
      design_->context.when(location == i, [&] { store_(i, value); });
  }
  /// The newest of the `n` oldest pending stores to the location, else the value.
  V pending_or(unsigned cpu, V location, V value, unsigned n) const {
    if (n == 0) return value;
    auto&& newest = buffer_[cpu].store[n - 1];
    return select(newest.location == location + 1U, newest.number + newest.pointer,
                  pending_or(cpu, location, value, n - 1));
  }
  /// The oldest store of the CPU to one of these locations reaches memory.
  void drain(unsigned cpu, unsigned first, unsigned end) const {
    auto& context = design_->context;
    if (end - first == 1) {
      drain(cpu, first);
      return;
    }
    const V object = context.choose(end - first, "object");
    for (unsigned at = first; at < end; ++at)
      context.when(object == at - first, [&] { drain(cpu, at); });
  }
  /// The oldest store of the CPU to this location reaches memory.
  void drain(unsigned cpu, unsigned at) const {
    auto& context = design_->context;
    auto&& buffer = buffer_[cpu];
    // Whether it is the i-th, and nothing before it has to come first.
    std::vector<B> is;
    for (unsigned i = 0; i < shape_.stores; ++i) {
      const B held_back = any_of<D>(i, [&](unsigned k) {
        return buffer.store[k].location == at + 1 || buffer.store[k + 1].after != 0U ||
               shape_.memory == MemoryModel::tso;
      });
      is.push_back(buffer.store[i].location == at + 1 && !held_back);
    }
    context.require(any_of<D>(shape_.stores, [&](unsigned i) { return is[i]; }));
    for (unsigned i = 0; i < shape_.stores; ++i) {
      context.when(is[i], [&] {
        auto&& store = buffer.store[i];
        store_(at, at < first_pointer() ? V(store.number) : V(store.pointer));
        for (unsigned next = i + 1; next < shape_.stores; ++next) move_down(buffer, next);
        auto&& last = buffer.store[shape_.stores - 1];
        last.location = 0;
        last.number = 0;
        last.pointer = 0;
        last.after = 0;
      });
    }
    // A barrier orders nothing any more when what was before it is visible.
    auto&& first = buffer.store[0U];
    first.after = 0;
    context.when(first.location == 0U, [&] { buffer.wmb = 0; });
  }
  /// A barrier between two stores stays between what is left of both sides.
  static void move_down(const StoreBuffer<D>& buffer, unsigned from) {
    auto&& to = buffer.store[from - 1];
    auto&& source = buffer.store[from];
    to.location = source.location;
    to.number = source.number;
    to.pointer = source.pointer;
    to.after = source.after;
  }

  const StoreBufferShape shape_;
  Design<D>* design_;
  Load load_;
  Store store_;
  Array<D, StoreBuffer<D>> buffer_;
  Code code_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_KERNEL_STORE_BUFFERS_H
