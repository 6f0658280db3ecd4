// SPDX-License-Identifier: MIT
// Finds places for mistakes, line by line.
#include "impl/linux/mutants.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include <fmt/format.h>

namespace iommucheck::linux_harness {
namespace {

using Lines = std::vector<std::string>;

Lines split(std::string_view text) {
  Lines lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

std::string_view trimmed(std::string_view line) {
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.front())) != 0) {
    line.remove_prefix(1);
  }
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) {
    line.remove_suffix(1);
  }
  return line;
}

/// A statement that stands alone on its line; the harness never changes half of one.
bool is_statement(std::string_view line) {
  const std::string_view text = trimmed(line);
  return text.ends_with(';') && !text.starts_with("return") && !text.starts_with("goto") &&
         std::count(text.begin(), text.end(), '(') == std::count(text.begin(), text.end(), ')');
}

bool calls(std::string_view line, std::string_view function) {
  const std::string_view text = trimmed(line);
  return text.starts_with(function) && text.size() > function.size() &&
         text[function.size()] == '(' && is_statement(line);
}

template <class Names>
bool calls_any(std::string_view line, const Names& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return calls(line, name); });
}

/// The text between the outermost parentheses.
std::string argument(std::string_view line) {
  const std::size_t open = line.find('(');
  const std::size_t close = line.rfind(')');
  return std::string{line.substr(open + 1, close - open - 1)};
}

constexpr std::array<std::string_view, 12> kLocks{
    "spin_lock",     "spin_lock_irq", "spin_lock_bh", "spin_lock_irqsave",
    "raw_spin_lock", "read_lock",     "write_lock",   "mutex_lock",
    "down_read",     "down_write",    "xa_lock",      "xa_lock_irq"};
constexpr std::array<std::string_view, 12> kUnlocks{
    "spin_unlock",     "spin_unlock_irq", "spin_unlock_bh", "spin_unlock_irqrestore",
    "raw_spin_unlock", "read_unlock",     "write_unlock",   "mutex_unlock",
    "up_read",         "up_write",        "xa_unlock",      "xa_unlock_irq"};
constexpr std::array<std::string_view, 10> kPublications{
    "rcu_assign_pointer", "WRITE_ONCE",
    "smp_store_release",  "list_add",
    "list_add_tail",      "list_add_rcu",
    "list_add_tail_rcu",  "complete",
    "fd_install",         "iommufd_object_finalize"};
constexpr std::array<std::string_view, 10> kIncrements{
    "refcount_inc",        "kref_get",       "atomic_inc",           "get_device",
    "iommu_group_ref_get", "mmget",          "iommu_sva_ioasid_get", "get_file",
    "refcount_add",        "iommufd_ctx_get"};
constexpr std::array<std::string_view, 23> kCleanups{"kfree",
                                                     "kvfree",
                                                     "xa_erase",
                                                     "list_del",
                                                     "list_del_rcu",
                                                     "refcount_dec",
                                                     "kref_put",
                                                     "put_device",
                                                     "mmput",
                                                     "ida_free",
                                                     "iommu_domain_free",
                                                     "iommu_group_put",
                                                     "xas_store",
                                                     "fput",
                                                     "__fput_sync",
                                                     "iommu_device_release_dma_owner",
                                                     "iommu_detach_group_handle",
                                                     "iommufd_ctx_put",
                                                     "iommufd_fault_iopf_disable",
                                                     "iommufd_hw_pagetable_put",
                                                     "iommufd_put_group",
                                                     "iommufd_put_object",
                                                     "iopt_remove_access"};

struct Function {
  std::string name;
  std::size_t begin = 0, end = 0;  ///< lines of the body
};

/// In kernel style a body begins with "{" and ends with "}" in the first column.
std::vector<Function> functions_of(const Lines& lines) {
  std::vector<Function> all;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i] != "{") continue;
    std::size_t head = i - 1;
    while (head > 0 && lines[head].find('(') == std::string::npos) --head;
    // Arguments on several lines: the name is where the line does not begin with a blank.
    while (head > 0 && std::isspace(static_cast<unsigned char>(lines[head][0])) != 0) --head;
    const std::size_t open = lines[head].find('(');
    if (open == std::string::npos) continue;
    std::size_t from = open;
    while (from > 0 && (std::isalnum(static_cast<unsigned char>(lines[head][from - 1])) != 0 ||
                        lines[head][from - 1] == '_')) {
      --from;
    }
    std::size_t end = i;
    while (end < lines.size() && lines[end] != "}") ++end;
    all.push_back({lines[head].substr(from, open - from), i + 1, end});
    i = end;
  }
  return all;
}

class Deriver {
 public:
  explicit Deriver(std::string_view text) : lines_{split(text)} {}

  std::vector<Mutant> derive() {
    for (const Function& function : functions_of(lines_)) {
      function_ = &function;
      std::vector<std::string> dropped;
      for (std::size_t i = function.begin; i < function.end; ++i) {
        drop_lock(i, dropped);
        early_unlock(i);
        swap_with_previous("early-publication", kPublications, i);
        if (calls(lines_[i], "kfree_rcu")) replace("no-grace-period", i, "kfree_rcu", "kfree");
        if (calls(lines_[i], "synchronize_rcu")) blank("drop-synchronize", i);
        if (calls_any(lines_[i], kIncrements) || trimmed(lines_[i]).ends_with("++;")) {
          blank("drop-increment", i);
        }
        if (calls_any(lines_[i], kCleanups)) blank("drop-cleanup", i);
        plain_publication(i);
      }
      drop_reader();
    }
    std::stable_sort(mutants_.begin(), mutants_.end(),
                     [](const Mutant& a, const Mutant& b) { return a.line < b.line; });
    return std::move(mutants_);
  }

 private:
  Lines lines_;
  const Function* function_ = nullptr;
  std::vector<Mutant> mutants_;

  void add(std::string kind, std::size_t line, const Lines& changed) {
    std::vector<unsigned> differ;
    for (std::size_t i = function_->begin; i < function_->end; ++i) {
      if (changed[i] != lines_[i]) differ.push_back(static_cast<unsigned>(i) + 1);
    }
    mutants_.push_back({std::move(kind), static_cast<unsigned>(line) + 1, function_->name,
                        std::string{trimmed(lines_[line])}, joined(changed), std::move(differ)});
  }

  /// An empty statement in its place: the statement may be all that an `if` has.
  static void empty(std::string& line) { line = ";"; }

  void blank(std::string kind, std::size_t at) {
    Lines changed = lines_;
    empty(changed[at]);
    add(std::move(kind), at, changed);
  }

  void replace(std::string kind, std::size_t at, std::string_view what, std::string_view with) {
    Lines changed = lines_;
    std::string& line = changed[at];
    line.replace(line.find(what), what.size(), with);
    // kfree_rcu(object, field) has one argument more.
    const std::size_t comma = line.find(',');
    if (what == "kfree_rcu" && comma != std::string::npos)
      line.erase(comma, line.rfind(')') - comma);
    add(std::move(kind), at, changed);
  }

  /// Every use of that lock in the function.
  void drop_lock(std::size_t at, std::vector<std::string>& dropped) {
    if (!calls_any(lines_[at], kLocks)) return;
    const std::string lock = argument(lines_[at]);
    if (std::find(dropped.begin(), dropped.end(), lock) != dropped.end()) return;
    dropped.push_back(lock);
    Lines changed = lines_;
    for (std::size_t i = function_->begin; i < function_->end; ++i) {
      if ((calls_any(lines_[i], kLocks) || calls_any(lines_[i], kUnlocks)) &&
          argument(lines_[i]) == lock) {
        empty(changed[i]);
      }
    }
    add("drop-lock", at, changed);
  }

  void drop_reader() {
    Lines changed = lines_;
    std::size_t first = 0;
    for (std::size_t i = function_->begin; i < function_->end; ++i) {
      if (!calls(lines_[i] + " ", "rcu_read_lock") && !calls(lines_[i] + " ", "rcu_read_unlock")) {
        continue;
      }
      if (first == 0) first = i;
      empty(changed[i]);
    }
    if (first != 0) add("drop-reader", first, changed);
  }

  /// The lock is not held in the last statement of its critical section.
  void early_unlock(std::size_t at) {
    const auto unlock = std::find_if(kUnlocks.begin(), kUnlocks.end(), [&](std::string_view name) {
      return calls(lines_[at], name);
    });
    if (unlock == kUnlocks.end()) return;
    // Labels and empty lines lie in between.
    std::size_t before = at - 1;
    while (before > function_->begin &&
           (trimmed(lines_[before]).empty() || trimmed(lines_[before]).ends_with(':'))) {
      --before;
    }
    if (!is_statement(lines_[before]) || calls_any(lines_[before], kLocks)) return;
    const std::string lock{kLocks.at(static_cast<std::size_t>(unlock - kUnlocks.begin()))};
    const std::string argument_text = argument(lines_[at]);
    Lines changed = lines_;
    changed[before] = "{ " + std::string{*unlock} + "(" + argument_text + "); " +
                      std::string{trimmed(lines_[before])} + " " + lock + "(" + argument_text +
                      "); }";
    add("early-unlock", before, changed);
  }

  template <class Names>
  void swap_with_previous(std::string kind, const Names& names, std::size_t at) {
    if (!calls_any(lines_[at], names) || at == function_->begin) return;
    const std::string& before = lines_[at - 1];
    const auto indent = [](const std::string& line) { return line.find_first_not_of(" \t"); };
    if (!is_statement(before) || indent(before) != indent(lines_[at])) return;
    if (calls_any(before, kLocks) || calls(before, "rcu_read_lock")) return;
    Lines changed = lines_;
    std::swap(changed[at - 1], changed[at]);
    add(std::move(kind), at, changed);
  }

  void plain_publication(std::size_t at) {
    if (!calls(lines_[at], "rcu_assign_pointer")) return;
    const std::string both = argument(lines_[at]);
    const std::size_t comma = both.find(',');
    if (comma == std::string::npos) return;
    Lines changed = lines_;
    changed[at] = "(" + both.substr(0, comma) + ") = (__force typeof(" + both.substr(0, comma) +
                  "))(" + both.substr(comma + 1) + ");";
    add("plain-publication", at, changed);
  }
};

}  // namespace

std::vector<Mutant> derive_mutants(std::string_view text) { return Deriver{text}.derive(); }

std::string with_marks(std::string_view text, const std::vector<Mutant>& mutants) {
  std::set<unsigned> marked;
  for (const Mutant& mutant : mutants) marked.insert(mutant.lines.begin(), mutant.lines.end());
  Lines lines = split(text);
  for (const unsigned number : marked) {
    std::string& line = lines[number - 1];
    // A store that the compiler does not see as one: what is beside it is compiled as before.
    line = fmt::format("{{ __asm__ volatile(\"movb $1, kh_reached+{}(%rip)\"); {} }}", number,
                       trimmed(line));
  }
  return joined(lines);
}

const std::vector<std::string>& mutant_kinds() {
  static const std::vector<std::string> kinds{
      "drop-lock",         "early-unlock",     "drop-reader",
      "no-grace-period",   "drop-synchronize", "early-publication",
      "plain-publication", "drop-increment",   "drop-cleanup"};
  return kinds;
}

}  // namespace iommucheck::linux_harness
