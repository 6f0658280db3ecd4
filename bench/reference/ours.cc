// SPDX-License-Identifier: MIT
// Our own checker, run as a user runs it.
#include <nlohmann/json.hpp>

#include "bench/reference/peers.h"

namespace iommucheck::bench {
namespace {

class Ours : public Checker {
 public:
  Ours(std::filesystem::path binary, unsigned jobs) : binary_(std::move(binary)), jobs_(jobs) {}

  std::string name() const override { return "iommucheck"; }
  std::string how() const override {
    return "iommucheck check reference --jobs " + std::to_string(jobs_);
  }
  std::optional<std::string> missing() const override { return std::nullopt; }

  void prepare(const Row& row) override {
    words_ = {binary_,
              "check",
              "reference",
              "--threads",
              std::to_string(row.threads),
              "--pasids",
              std::to_string(row.pasids),
              "--users",
              std::to_string(row.users),
              "--refs",
              std::to_string(row.refs),
              "--any-free",
              row.any_free ? "1" : "0",
              "--jobs",
              std::to_string(jobs_),
              "--json"};
  }

  Run run() override {
    const Child child = detail::run_or_throw(words_, "/");
    const auto object = nlohmann::json::parse(child.out, nullptr, false);
    if (!object.is_object() || object.value("verdict", "") != "holds")
      throw CheckerError("the reference model does not hold: " + child.out.substr(0, 500));
    return {
        {object.at("states").get<std::uint64_t>(), object.at("transitions").get<std::uint64_t>(),
         object.at("depth").get<std::uint64_t>()},
        child.seconds,
        child.cpu_seconds,
        child.peak_bytes};
  }

 private:
  std::filesystem::path binary_;
  unsigned jobs_;
  std::vector<std::string> words_;
};

}  // namespace

std::unique_ptr<Checker> ours(const std::filesystem::path& binary, unsigned jobs) {
  return std::make_unique<Ours>(binary, jobs);
}

}  // namespace iommucheck::bench
