// SPDX-License-Identifier: MIT
// Rumur on the reference model.
//
// --pack-state off is its faster way; symmetry reduction would count other states.  It reports no
// depth.
#include <sstream>

#include "bench/reference/peers.h"

namespace iommucheck::bench {
namespace {

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
}

/// The Murphi text of a row.
std::string fill_in(const std::string& murphi, const Row& row) {
  const std::string policy = row.any_free ? "@ANY@" : "@LOWEST@";
  const std::string other = row.any_free ? "@LOWEST@" : "@ANY@";
  std::string text;
  std::istringstream lines{murphi};
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, other.size(), other) == 0) continue;
    if (line.compare(0, policy.size(), policy) == 0) line.erase(0, policy.size());
    text += line + "\n";
  }
  replace_all(text, "@NT@", std::to_string(row.threads));
  replace_all(text, "@NP@", std::to_string(row.pasids));
  replace_all(text, "@NU@", std::to_string(row.users));
  replace_all(text, "@NR@", std::to_string(row.refs));
  return text;
}

class Rumur : public Checker {
 public:
  Rumur(std::string murphi, unsigned jobs, std::filesystem::path folder)
      : murphi_(std::move(murphi)), jobs_(jobs), folder_(std::move(folder)) {}

  std::string name() const override { return "Rumur"; }
  std::string how() const override {
    return "rumur --deadlock-detection off --symmetry-reduction off --pack-state off --threads " +
           std::to_string(jobs_) + "; gcc -O3 -march=native";
  }
  std::optional<std::string> missing() const override {
    return detail::missing_programs({"rumur", "gcc"});
  }

  void prepare(const Row& row) override {
    detail::write_file(folder_ / "pasid.m", fill_in(murphi_, row));
    detail::run_or_throw({"rumur", "--deadlock-detection", "off", "--symmetry-reduction", "off",
                          "--pack-state", "off", "--output-format", "machine-readable", "--threads",
                          std::to_string(jobs_), "--output", "pasid.c", "pasid.m"},
                         folder_);
    detail::run_or_throw({"gcc", "-std=c11", "-O3", "-march=native", "-mcx16", "pasid.c", "-o",
                          "pasid", "-lpthread"},
                         folder_);
  }

  Run run() override {
    const Child child = detail::run_or_throw({"./pasid"}, folder_);
    const std::string& text = child.out;
    if (detail::number_in(text, "<summary[^>]* errors=\"([0-9]+)\"") != 0)
      throw CheckerError("Rumur reports an error: " + text.substr(0, 500));
    return {{detail::number_in(text, "<summary[^>]* states=\"([0-9]+)\""),
             detail::number_in(text, "<summary[^>]* rules_fired=\"([0-9]+)\""), std::nullopt},
            child.seconds,
            child.cpu_seconds,
            child.peak_bytes};
  }

 private:
  std::string murphi_;
  unsigned jobs_;
  std::filesystem::path folder_;
};

}  // namespace

std::unique_ptr<Checker> rumur(std::string murphi, unsigned jobs,
                               const std::filesystem::path& folder) {
  return std::make_unique<Rumur>(std::move(murphi), jobs, folder);
}

}  // namespace iommucheck::bench
