// SPDX-License-Identifier: MIT
// Heap: kzalloc, kfree and kfree_rcu over a pool of objects, with use-after-free made visible.
//
// A pointer is a number: 0 is NULL, k is the object k-1.  A freed object is not given out again
// while any variable still points to it, so a stale pointer never meets a new object: touching one
// is always a use after free, never a silent mix-up.
#ifndef IOMMUCHECK_MODEL_KERNEL_HEAP_H
#define IOMMUCHECK_MODEL_KERNEL_HEAP_H

#include "model/kernel/cpu.h"

namespace iommucheck::model {

enum class Life : std::uint8_t { free, live, rcu };
inline std::string_view name(Life life) {
  constexpr std::array<std::string_view, 3> kNames{"free", "live", "kfree_rcu"};
  return kNames.at(static_cast<std::size_t>(life));
}

/// A pointer into the pool with this name.
inline Format pointer_to(std::string_view pool) {
  return {Format::Kind::handle, {std::string{pool}}};
}

/// Derive the struct from this.
template <class D>
struct HeapObject : Record<D> {
  HeapObject(Scope<D> scope, unsigned processes)
      : Record<D>(scope),
        life(*this, "life", 2, names_of<Life>(3)),
        readers(*this, "readers", (1U << processes) - 1,
                mask_format().of(this->schema().find_sort("threads"))) {}
  Var<D, Life> life;
  Var<D> readers;  ///< kfree_rcu: those that have to end before it is freed
};

template <class D, class E>
class Heap : public RcuClient<D> {
 public:
  /// n objects E(scope, processes, args...), called `name` in the state.  They may be a sort:
  /// which free object is given out does not matter then, as nothing mentions a free object.
  template <class... Args>
  Heap(Design<D>& design, std::string_view name, Extent extent, const Args&... args)
      : design_(&design),
        name_(name),
        first_(static_cast<std::uint32_t>(design.schema.fields().size())),
        sort_(extent.sort),
        objects_(design.root(), name, extent, design.process_count(), args...),
        fields_(extent.n == 0
                    ? 0
                    : (static_cast<std::uint32_t>(design.schema.fields().size()) - first_) /
                          extent.n) {
    for (unsigned i = 0; i < extent.n; ++i) {
      ranges_.emplace_back(design.context, design.schema, first_ + i * fields_,
                           first_ + (i + 1) * fields_);
    }
    design.add(*this);
  }

  unsigned size() const { return objects_.size(); }
  /// The object by number, without any check: for invariants.
  decltype(auto) object(unsigned i) const { return objects_[i]; }
  Bool<D> is_live(Val<D> ptr) const {
    return any_of<D>(size(),
                     [&](unsigned i) { return ptr == i + 1 && objects_[i].life == Life::live; });
  }

  /// *ptr: reading or writing the object.  NULL and freed objects are violations.
  decltype(auto) at(Val<D> ptr) const {
    auto& ctx = design_->context;
    ctx.fail_unless(ptr != 0U, design_->no_use_after_free, "a NULL pointer is dereferenced");
    ctx.fail_unless(ptr == 0U || exists(ptr), design_->no_use_after_free,
                    "freed memory is accessed");
    return objects_[select(ptr == 0U, Val<D>(1), ptr) - 1U];
  }
  /// The memory is touched, whatever is read.
  void touch(Val<D> ptr) const { static_cast<void>(at(ptr)); }

  /// A zeroed object, or NULL where none is left.
  Val<D> kzalloc() const {
    auto& ctx = design_->context;
    std::vector<Bool<D>> available;
    for (unsigned i = 0; i < size(); ++i) {
      available.push_back(objects_[i].life == Life::free && !referenced(i + 1));
    }
    const auto first = [&](unsigned i) {
      return available[i] && !any_of<D>(i, [&](unsigned j) { return available[j]; });
    };
    const Val<D> ptr =
        sum_of<D>(size(), [&](unsigned i) { return select(first(i), Val<D>(i + 1), Val<D>(0)); });
    for (unsigned i = 0; i < size(); ++i) {
      ctx.when(ptr == i + 1, [&] { objects_[i].life = Life::live; });
    }
    return ptr;
  }
  void kfree(Val<D> ptr) const {
    check_live(ptr, "memory is freed twice");
    for (unsigned i = 0; i < size(); ++i) {
      design_->context.when(ptr == i + 1, [&] { ranges_[i].clear(); });
    }
  }
  /// Freed when every reader of now has ended: at that very step, or by the actor at some time
  /// after it (ProcessBounds::rcu_actor; see there).
  void kfree_rcu(Val<D> ptr) const {
    check_live(ptr, "memory is freed twice (kfree_rcu)");
    auto& ctx = design_->context;
    for (unsigned i = 0; i < size(); ++i) {
      ctx.when(ptr == i + 1, [&] {
        auto&& object = objects_[i];
        object.life = Life::rcu;
        object.readers = design_->readers();
        if (!design_->process_bounds().rcu_actor) {
          ctx.when(object.readers == 0U, [&] { ranges_[i].clear(); });
        }
      });
    }
  }

  void reader_ends(unsigned self) override {
    auto& ctx = design_->context;
    for (unsigned i = 0; i < size(); ++i) {
      auto&& object = objects_[i];
      ctx.when(has_bit(object.readers, self), [&] {
        object.readers = without_bit(object.readers, self);
        if (!design_->process_bounds().rcu_actor) {
          ctx.when(object.readers == 0U, [&] { ranges_[i].clear(); });
        }
      });
    }
  }
  void free_waiting(unsigned object) override {
    design_->context.require(waiting(object) && objects_[object].readers == 0U);
    ranges_[object].clear();
  }
  unsigned objects() const override { return size(); }
  std::string object_name(unsigned object) const override {
    return fmt::format("{}[{}]", name_, object);
  }
  Bool<D> waiting(unsigned object) const override { return objects_[object].life == Life::rcu; }

 private:
  Bool<D> exists(Val<D> ptr) const {
    return any_of<D>(size(),
                     [&](unsigned i) { return ptr == i + 1 && objects_[i].life != Life::free; });
  }
  void check_live(Val<D> ptr, const char* detail) const {
    // kfree(NULL) does nothing.
    design_->context.fail_unless(ptr == 0U || is_live(ptr), design_->no_use_after_free, detail);
  }
  /// Whether a variable of the state points to object ptr-1, or mentions it in another way.
  Bool<D> referenced(unsigned ptr) const {
    if (mentions_.empty()) find_mentions();
    return any_of<D>(static_cast<unsigned>(mentions_.size()), [&](unsigned i) {
      const Mention& m = mentions_[i];
      const Val<D> value = load_field(design_->context, design_->schema, m.field);
      const unsigned object = m.first + ptr - 1;
      return m.mask ? has_bit(value, object) : value == object;
    });
  }
  void find_mentions() const {
    const Schema& schema = design_->schema;
    for (std::uint32_t f = 0; f < schema.fields().size(); ++f) {
      const Format& format = schema.fields()[f].format;
      const auto elements = schema.elements(format);
      if (format.kind == Format::Kind::handle && format.names[0] == name_) {
        mentions_.push_back({f, 1, false});
      } else if (sort_.exists() && elements.sort.number == sort_.number) {
        mentions_.push_back({f, elements.offset, format.kind == Format::Kind::mask});
      }
    }
  }

  Design<D>* design_;
  std::string name_;
  std::uint32_t first_;
  Sort sort_;
  Array<D, E> objects_;
  std::uint32_t fields_;
  std::vector<FieldRange<D>> ranges_;
  struct Mention {
    std::uint32_t field;
    unsigned first;  ///< the value, or the bit, that is object 0
    bool mask;
  };
  mutable std::vector<Mention> mentions_;  ///< found at the first kzalloc, when all is declared
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_KERNEL_HEAP_H
