// SPDX-License-Identifier: MIT
// The specification of IOASIDs with bounds from the command line.
#include "cli/spec_model.h"

#include "spec/ioasid/spec_machine.h"

namespace iommucheck::cli {
namespace {

ioasid::Bounds to_bounds(const model::BoundValues& values) {
  const auto v = complete_spec_bounds(values);
  return {.ids = v.at("pasids"),
          .sets = v.at("sets"),
          .data = v.at("data"),
          .clients = v.at("clients"),
          .ops = v.at("ops"),
          .notifiers = v.at("notifiers"),
          .spids = v.at("spids"),
          .tokens = v.at("tokens"),
          .capacity = v.at("capacity")};
}

}  // namespace

bool is_spec_model(const std::string& name) { return name == "ioasid" || name == "spec/ioasid"; }

const std::vector<model::BoundInfo>& spec_bounds() {
  static const std::vector<model::BoundInfo> kBounds{
      {"pasids", 1, 8, 2, "ids: 0 to N-1"},
      {"sets", 0, 4, 2, "IOASID sets"},
      {"data", 0, 4, 1, "different private data"},
      {"clients", 1, 4, 2, "clients that hold references"},
      {"ops", 0, 4, 3, "custom allocators; the first two share their functions"},
      {"notifiers", 0, 3, 1, "notifier blocks"},
      {"spids", 0, 3, 1, "set-private ids"},
      {"tokens", 0, 3, 1, "tokens that sets are made for"},
      {"capacity", 0, 8, 2, "the capacity at first, and the largest quota"},
  };
  return kBounds;
}

model::BoundValues complete_spec_bounds(const model::BoundValues& values) {
  return model::complete_bounds(spec_bounds(), kSpecOwner, values);
}

std::unique_ptr<Machine<Concrete>> spec_concrete(const model::BoundValues& values) {
  return std::make_unique<ioasid::SpecMachine<Concrete>>(to_bounds(values));
}

std::unique_ptr<Machine<Symbolic>> spec_symbolic(const model::BoundValues& values) {
  return std::make_unique<ioasid::SpecMachine<Symbolic>>(to_bounds(values));
}

}  // namespace iommucheck::cli
