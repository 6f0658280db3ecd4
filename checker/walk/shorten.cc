// SPDX-License-Identifier: MIT
// Searching beside a path, and leaving out steps of it.
#include "checker/walk/shorten.h"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "checker/explicit/words.h"
#include "checker/walk/successors.h"

namespace iommucheck::checker::walking {
namespace {

struct HashState {
  std::size_t operator()(const PackedState& state) const {
    using explicit_state::Width;
    return explicit_state::hash(Width<0>(static_cast<unsigned>(state.size())), state.data());
  }
};

PackedState packed(StateView state) { return {state.begin(), state.end()}; }

class Shortener {
 public:
  Shortener(Machine<Concrete>& machine, const Path& path, std::uint64_t states)
      : machine_(machine), best_(path), left_(states) {}

  Path run() {
    // No short circuit: both are tried before the next round.
    for (bool shorter = true; shorter && left_ != 0;) {
      shorter = search_beside();
      shorter = leave_out_calls() || shorter;
      shorter = leave_out_runs() || shorter;
    }
    return std::move(best_);
  }

 private:
  /// False if no more states may be expanded.
  bool look(StateView state) {
    if (left_ == 0) return false;
    --left_;
    successors_.look(machine_, state, best_.failure.property);
    return true;
  }
  /// The path, and what is wrong at its end.
  bool better(Path path, const Wrong& wrong) {
    if (wrong.step) path.steps.push_back(*wrong.step);
    if (path.steps.size() >= best_.steps.size()) return false;
    path.failure = wrong.failure;
    best_ = std::move(path);
    return true;
  }

  bool search_beside() {
    std::unordered_set<PackedState, HashState> allowed;
    const auto allow = [&](const PackedState& state) {
      if (!look(state)) return false;
      allowed.insert(state);
      for (std::uint32_t i = 0; i < successors_.size(); ++i)
        allowed.insert(packed(successors_.state(i)));
      return true;
    };
    if (!allow(best_.initial)) return false;
    for (const PathStep& step : best_.steps) {
      if (!allow(step.after)) return false;
    }

    struct From {
      const PackedState* state;
      ActionId action;
    };
    std::unordered_map<PackedState, From, HashState> met;
    const auto way_to = [&](const PackedState& state) {
      Path path{best_.initial, {}, {}};
      for (const PackedState* at = &state; met.at(*at).state != nullptr; at = met.at(*at).state)
        path.steps.push_back({met.at(*at).action, *at});
      std::reverse(path.steps.begin(), path.steps.end());
      return path;
    };
    std::deque<const PackedState*> queue{
        &met.emplace(best_.initial, From{nullptr, {}}).first->first};
    for (; !queue.empty(); queue.pop_front()) {
      const PackedState& state = *queue.front();
      if (!look(state)) return false;
      if (successors_.wrong()) return better(way_to(state), *successors_.wrong());
      for (std::uint32_t i = 0; i < successors_.size(); ++i) {
        auto next = packed(successors_.state(i));
        if (!allowed.contains(next)) continue;
        const auto [entry, is_new] =
            met.emplace(std::move(next), From{&state, successors_.move(i).action});
        if (is_new) queue.push_back(&entry->first);
      }
    }
    return false;
  }

  /// The moves that the best path makes; empty if it takes too many states to find out.
  std::vector<Move> moves_of_best() {
    std::vector<Move> moves;
    const PackedState* state = &best_.initial;
    for (const PathStep& step : best_.steps) {
      if (!look(*state)) return {};
      Move move{step.action, 0};
      for (std::uint32_t i = 0; i < successors_.size(); ++i) {
        const auto next = successors_.state(i);
        if (successors_.move(i).action == step.action &&
            std::equal(next.begin(), next.end(), step.after.begin()))
          move = successors_.move(i);
      }
      moves.push_back(move);
      state = &step.after;
    }
    return moves;
  }

  /// Makes the moves, except those that cannot be made any more.
  bool attempt(const std::vector<Move>& moves) {
    Path path{best_.initial, {}, {}};
    if (!look(path.initial)) return false;
    for (const Move& move : moves) {
      if (successors_.wrong()) break;
      const std::uint32_t i = successors_.find(move);
      if (i == successors_.size()) continue;
      path.steps.push_back({move.action, packed(successors_.state(i))});
      if (path.steps.size() >= best_.steps.size()) return false;
      if (!look(path.steps.back().after)) return false;
    }
    return successors_.wrong() && better(std::move(path), *successors_.wrong());
  }

  bool leave_out_calls() {
    bool shorter = false;
    std::vector<Move> moves = moves_of_best();
    const auto begins = [&](const Move& move) {
      const Code& code = *machine_.processes().at(move.action.process).code;
      return code.at(move.action.step).entry;
    };
    for (std::size_t first = 0; first < moves.size();) {
      if (!begins(moves[first])) {
        ++first;
        continue;
      }
      std::vector<Move> left(moves.begin(), moves.begin() + static_cast<std::ptrdiff_t>(first));
      bool open = true;
      for (std::size_t i = first; i < moves.size(); ++i) {
        const bool same = moves[i].action.process == moves[first].action.process;
        if (same && i != first && begins(moves[i])) open = false;
        if (!same || !open) left.push_back(moves[i]);
      }
      if (attempt(left)) {
        shorter = true;
        moves = moves_of_best();
      } else {
        ++first;
      }
    }
    return shorter;
  }

  bool leave_out_runs() {
    bool shorter = false;
    std::vector<Move> moves = moves_of_best();
    for (std::size_t size = moves.size() / 2; size != 0; size /= 2) {
      for (std::size_t first = 0; first + size <= moves.size();) {
        std::vector<Move> left = moves;
        const auto from = left.begin() + static_cast<std::ptrdiff_t>(first);
        left.erase(from, from + static_cast<std::ptrdiff_t>(size));
        if (attempt(left)) {
          shorter = true;
          moves = moves_of_best();
        } else {
          first += size;
        }
      }
    }
    return shorter;
  }

  Machine<Concrete>& machine_;
  Path best_;
  std::uint64_t left_;
  Successors successors_;
};

}  // namespace

Path shorten(Machine<Concrete>& machine, const Path& path, std::uint64_t states) {
  return Shortener(machine, path, states).run();
}

}  // namespace iommucheck::checker::walking
