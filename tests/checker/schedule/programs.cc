// SPDX-License-Identifier: MIT
// The table of programs.
#include "tests/checker/schedule/programs.h"

#include <map>

namespace iommucheck::schedule::programs {
namespace {

std::map<std::string, Program>& table() {
  static std::map<std::string, Program> programs;
  return programs;
}

}  // namespace

Shared shared;

Registration::Registration(const char* name, void (*setup)(), std::vector<void (*)(void*)> threads,
                           void (*finish)()) {
  Program program;
  program.setup = setup;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    program.threads.push_back(
        {"CPU" + std::to_string(i), threads[i], reinterpret_cast<void*>(i)});
  }
  program.finish = finish;
  program.data.push_back({&shared, sizeof(shared)});
  table().emplace(name, std::move(program));
}

Program program(const std::string& name) { return table().at(name); }

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& [name, unused] : table()) all.push_back(name);
  return all;
}

}  // namespace iommucheck::schedule::programs
