// SPDX-License-Identifier: MIT
// The table of programs.
#include "tests/checker/schedule/programs.h"

#include <map>

#include "tests/checker/schedule/kernel_words.h"

namespace iommucheck::schedule::programs {
namespace {

std::map<std::string, Program>& table() {
  static std::map<std::string, Program> programs;
  return programs;
}

std::vector<Expectation>& expected() {
  static std::vector<Expectation> all;
  return all;
}

}  // namespace

Shared shared;
State state;

Registration::Registration(const char* name, void (*setup)(), std::vector<void (*)(void*)> threads,
                           void (*finish)()) {
  Program program;
  program.setup = setup;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    program.threads.push_back({"CPU" + std::to_string(i), threads[i], reinterpret_cast<void*>(i)});
  }
  program.finish = finish;
  program.data.push_back({&shared, sizeof(shared)});
  program.data.push_back({&state, sizeof(state)});
  table().emplace(name, std::move(program));
}

Expecting::Expecting(const char* name, std::set<std::string> kinds,
                     std::vector<void (*)(void*)> threads, void (*setup)(), void (*finish)()) {
  const Registration registration{name, setup, std::move(threads), finish};
  expected().push_back({name, std::move(kinds)});
}

std::vector<Expectation> expectations() { return expected(); }

Program program(const std::string& name) { return table().at(name); }

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& [name, unused] : table()) all.push_back(name);
  return all;
}

}  // namespace iommucheck::schedule::programs
