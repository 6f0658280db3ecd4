// SPDX-License-Identifier: MIT
// Systematic search: every execution that differs from all others, once.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_SYSTEMATIC_H
#define IOMMUCHECK_CHECKER_SCHEDULE_SYSTEMATIC_H

#include <optional>
#include <vector>

#include "checker/schedule/strategy.h"

namespace iommucheck::schedule {

enum class Reduction : std::uint8_t {
  none,        ///< every interleaving of scheduling points
  sleep_sets,  ///< one execution for each trace; the others are begun and given up
  /// Source-set DPOR with sleep sets (Abdulla, Aronis, Jonsson, Sagonas, JACM 64(4), 2017): one
  /// execution for each trace, and hardly any is begun in vain.
  dpor,
};

struct SystematicOptions {
  Reduction reduction = Reduction::dpor;
  /// At most that many times a thread that could go on has to stop for another.  With a bound
  /// nobody sleeps (sleep sets and bounds together lose executions), and the reduction is the
  /// bounded one (Coons, Musuvathi, McKinley, OOPSLA 2013).
  std::optional<unsigned> preemptions;
  /// At most that many changes of the thread at all; not together with a reduction.
  std::optional<unsigned> switches;
};

class Systematic : public Strategy {
 public:
  /// Throws std::invalid_argument.
  explicit Systematic(SystematicOptions options);

  bool begin() override;
  ThreadId pick(const Situation& situation) override;
  unsigned choose(unsigned alternatives) override;
  void executed(std::span<const Event> events, std::span<const std::uint32_t> races) override;
  void left_waiting(std::span<const Event> events, ThreadId thread, const Clock& clock,
                    std::span<const std::uint32_t> races) override;
  void end(Ending ending) override;
  std::size_t repeated() const override { return replay_ == 0 ? 0 : replay_ - 1; }
  bool wants_races() const override { return true; }

 private:
  /// A state on the current path, and what is done about it.
  struct Node {
    ThreadId thread = kNobody;  ///< who goes next
    Operation operation;
    std::uint16_t alternative = 0, alternatives = 1;
    ThreadMask enabled = 0;
    ThreadMask sleep = 0;       ///< who need not go next: somebody else's subtree has it
    ThreadMask backtrack = 0;   ///< who has to go next at some time
    ThreadId before = kNobody;  ///< who went last
    unsigned preemptions = 0, switches = 0;  ///< up to here
  };

  SystematicOptions options_;
  std::vector<Node> path_;
  std::size_t at_ = 0;      ///< how far this execution is
  std::size_t replay_ = 0;  ///< up to here it repeats the one before
  bool first_ = true;

  bool bounded() const { return options_.preemptions.has_value(); }
  bool is_preemption(const Node& node, ThreadId thread) const;
  ThreadMask within_bound(const Node& node) const;
  ThreadId extend(const Situation& situation);
  void reverse(std::span<const Event> events, std::size_t end, ThreadId thread, const Clock& clock,
               std::uint32_t race);
  void demand(std::size_t position, ThreadId thread);
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_SYSTEMATIC_H
