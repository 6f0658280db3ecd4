// SPDX-License-Identifier: MIT
// Generating sequences: moods, weights and arguments.
#include "conformance/generator.h"

#include <algorithm>
#include <map>
#include <ostream>

#include "spec/ioasid/spec.h"

namespace iommucheck::ioasid {

void showValue(const Call& call, std::ostream& out) { out << print(call); }

}  // namespace iommucheck::ioasid

namespace iommucheck::conformance {
namespace {

using ioasid::kCallKinds;
using Args = ioasid::Arguments<std::uint32_t>;

/// How often each kind is wanted, in the order of CallKind.
constexpr std::array<unsigned, kCallKinds> kWeights{
    1,  6, 4, 6, 3, 3,  // install_capacity, alloc_set, set_get, set_put, adjust_set, find_set
    24, 5, 8, 6,        // alloc, free, get, put
    6,  3, 4, 3,        // find, set_data, attach_data, detach_data
    6,  3, 5,           // attach_spid, detach_spid, find_by_spid
    3,  3, 4, 3,        // allocators, notifiers
};

class SequenceMaker {
 public:
  SequenceMaker(const Bounds& bounds, const GeneratorOptions& options, const rc::Random& random)
      : bounds_(bounds), random_(random) {
    wanted_ = std::max(1U, options.length / 2 + below(options.length / 2 + 1));
    for (unsigned k = 0; k < kCallKinds; ++k) {
      const auto kind = static_cast<CallKind>(k);
      if (!in_scope(kind, bounds) || (options.supports && !options.supports(kind))) continue;
      // Every second kind is as usual; the others are left out, rare or frequent.
      static constexpr std::array<unsigned, 6> kFactors{4, 4, 4, 0, 1, 16};
      weights_[k] = kWeights[k] * kFactors[below(kFactors.size())];
      // Without ids there is little to see.
      if (kind == CallKind::alloc) weights_[k] = std::max(weights_[k], 2 * kWeights[k]);
      total_ += weights_[k];
    }
    const unsigned near = 1 + below(std::min(bounds.ids, 4U));
    first_id_ = below(bounds.ids - near + 1);
    last_id_ = first_id_ + near - 1;
    set_ = bounds.sets == 0 ? 0 : 1 + below(bounds.sets);
    likely_room_ = bounds.capacity;
    nomem_one_in_ = one_in(2) ? 0 : 8;
    prelude(options);
  }

  std::vector<Call> make() {
    while (total_ > 0 && calls_.size() < wanted_) add(draw_kind());
    return std::move(calls_);
  }

 private:
  /// A set, an allocator, a notifier to begin with: the later calls need them.
  void prelude(const GeneratorOptions& options) {
    for (const CallKind kind : {CallKind::register_allocator, CallKind::alloc_set,
                                CallKind::alloc_set, CallKind::register_notifier}) {
      if (!in_scope(kind, bounds_) || (options.supports && !options.supports(kind))) continue;
      if (one_in(2)) add(kind);
    }
  }
  CallKind draw_kind() {
    unsigned left = below(total_);
    unsigned k = 0;
    while (left >= weights_[k]) left -= weights_[k++];
    return static_cast<CallKind>(k);
  }
  void add(CallKind kind) {
    Call call{kind, {}};
    for (const auto& argument : arguments(kind)) {
      call.args.*argument.field = draw(argument.field, kind);
    }
    if (kind == CallKind::alloc) draw_range(call.args);
    if (!likely_ids_.empty() && !one_in(4)) aim(call);
    if (kind == CallKind::set_put && likely_sets_.contains(call.args.set) && !one_in(3)) {
      call.args.client = likely_sets_[call.args.set].client;
    }
    remember(call);
    calls_.push_back(call);
  }

  /// Turns a call on an id to one that is likely to be out, mostly with its set and its owner.
  void aim(Call& call) {
    auto target = likely_ids_.begin();
    std::advance(target, below(likely_ids_.size()));
    const auto& [id, likely] = *target;
    if (call.kind == CallKind::find_by_spid) {
      if (likely.set == 0) return;
      call.args.set = likely.set;
      if (likely.spid != 0) call.args.spid = likely.spid;
    } else if (call.kind != CallKind::alloc) {
      call.args.id = id;
      if (call.args.set != 0 && !one_in(4)) call.args.set = likely.set;
      if (call.kind == CallKind::put && one_in(3)) call.args.client = likely.client;
    }
  }
  /// Guesses what the call does, by an implementation that gives the lowest id or set.  A wrong
  /// guess makes later calls a little less interesting.
  void remember(const Call& call) {
    const Args& a = call.args;
    const bool free = call.kind == CallKind::free || call.kind == CallKind::put;
    if (call.kind == CallKind::install_capacity && likely_sets_.empty()) {
      likely_room_ = a.quota;
    } else if (call.kind == CallKind::alloc_set && a.quota <= likely_room_) {
      unsigned set = 1;
      while (likely_sets_.contains(set)) ++set;
      if (a.quota == 0 || a.nomem != 0 || set > bounds_.sets) return;
      likely_sets_[set] = {a.client, a.quota};
      likely_room_ -= a.quota;
    } else if (call.kind == CallKind::set_put && likely_sets_.contains(a.set)) {
      if (likely_sets_[a.set].client != a.client || one_in(3)) return;
      likely_room_ += likely_sets_[a.set].quota;
      likely_sets_.erase(a.set);
    } else if (call.kind == CallKind::register_allocator && likely_ids_.empty()) {
      likely_custom_ = true;
    } else if (call.kind == CallKind::alloc && a.nomem == 0 && likely_member(a.set)) {
      std::uint32_t id = likely_custom_ ? a.callback - 1 : a.min;
      while (!likely_custom_ && likely_ids_.contains(id)) ++id;
      if (id <= a.max && id < bounds_.ids) likely_ids_[id] = {a.set, a.client, 0};
    } else if (free && one_in(2)) {
      likely_ids_.erase(a.id);
    } else if (call.kind == CallKind::attach_spid && likely_ids_.contains(a.id)) {
      likely_ids_[a.id].spid = a.spid;
    }
  }
  /// Whether the set can probably have one more id.
  bool likely_member(std::uint32_t set) const {
    if (set == 0 || bounds_.static_sets) return true;
    const auto found = likely_sets_.find(set);
    if (found == likely_sets_.end()) return false;
    return std::ranges::count_if(likely_ids_, [&](const auto& i) { return i.second.set == set; }) <
           static_cast<std::ptrdiff_t>(found->second.quota);
  }

  std::uint32_t draw(std::uint32_t Args::*field, CallKind kind) {
    if (field == &Args::client) return one_in(2) ? 0 : below(bounds_.clients);
    if (field == &Args::set) return draw_set(kind);
    if (field == &Args::id) return draw_id();
    if (field == &Args::data) return below(bounds_.data + 1);
    if (field == &Args::token) return one_in(3) ? 0 : below(bounds_.tokens + 1);
    if (field == &Args::quota) return draw_quota(kind);
    if (field == &Args::ops) return 1 + below(bounds_.ops);
    if (field == &Args::spid) {
      return bounds_.spids == 0 || one_in(16) ? 0 : 1 + below(bounds_.spids);
    }
    if (field == &Args::nb) return 1 + below(bounds_.notifiers);
    if (field == &Args::getter) return below(3);
    if (field == &Args::take) return below(2);
    if (field == &Args::callback) {
      return bounds_.ops == 0 || one_in(12) ? 0 : 1 + std::min(draw_id(), bounds_.ids - 1);
    }
    if (field == &Args::nomem) return nomem_one_in_ != 0 && one_in(nomem_one_in_) ? 1 : 0;
    return 0;
  }
  std::uint32_t draw_set(CallKind kind) {
    if (bounds_.sets == 0) return 0;
    const bool null_is_a_set = kind == CallKind::alloc || kind == CallKind::free ||
                               kind == CallKind::get || kind == CallKind::put ||
                               kind == CallKind::find || kind == CallKind::register_notifier ||
                               kind == CallKind::unregister_notifier;
    if (null_is_a_set && one_in(3)) return 0;
    if (one_in(6)) return 1 + below(bounds_.sets);
    if (likely_sets_.empty() || one_in(4)) return set_;
    auto likely = likely_sets_.begin();
    std::advance(likely, below(likely_sets_.size()));
    return likely->first;
  }
  std::uint32_t draw_id() {
    if (one_in(24)) return bounds_.ids;
    return one_in(12) ? below(bounds_.ids) : first_id_ + below(last_id_ - first_id_ + 1);
  }
  std::uint32_t draw_quota(CallKind kind) {
    const std::uint32_t limit = bounds_.capacity + (kind == CallKind::install_capacity ? 0 : 1);
    const bool any = kind == CallKind::install_capacity || one_in(4);
    return any ? below(limit + 1) : std::min(1 + below(3), limit);
  }
  void draw_range(Args& args) {
    switch (below(8)) {
      case 0:
      case 1: args.min = args.max = std::min(draw_id(), bounds_.ids - 1); break;
      case 2:
      case 3: args.min = first_id_, args.max = last_id_; break;
      case 4: args.min = 0, args.max = bounds_.ids - 1; break;
      case 5: args.min = 0, args.max = last_id_; break;
      case 6: args.min = first_id_, args.max = bounds_.ids - 1; break;
      default: args.min = draw_id(), args.max = draw_id(); break;  // also empty ones
    }
  }

  unsigned below(std::size_t n) { return static_cast<unsigned>(random_.next() % n); }
  bool one_in(unsigned n) { return below(n) == 0; }

  const Bounds& bounds_;
  rc::Random random_;
  std::array<unsigned, kCallKinds> weights_{};
  unsigned total_ = 0;
  std::size_t wanted_ = 0;
  std::uint32_t first_id_ = 0, last_id_ = 0, set_ = 0;
  unsigned nomem_one_in_ = 0;

  struct LikelyId {
    std::uint32_t set = 0, client = 0, spid = 0;
  };
  std::map<std::uint32_t, LikelyId> likely_ids_;
  struct LikelySet {
    std::uint32_t client = 0, quota = 0;
  };
  std::map<std::uint32_t, LikelySet> likely_sets_;
  std::uint32_t likely_room_ = 0;
  bool likely_custom_ = false;
  std::vector<Call> calls_;
};

}  // namespace

rc::Gen<std::vector<Call>> calls(const Bounds& bounds, GeneratorOptions options) {
  return [bounds, options = std::move(options)](const rc::Random& random, int) {
    return shrinkable(SequenceMaker{bounds, options, random}.make());
  };
}

}  // namespace iommucheck::conformance
