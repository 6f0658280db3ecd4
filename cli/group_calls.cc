// SPDX-License-Identifier: MIT
// What the calls of impl/linux/glue/target_iommu_group.c are to the specification.
#include <array>
#include <stdexcept>

#include <fmt/format.h>

#include "cli/specification_judge.h"

namespace iommucheck::cli {
namespace {

using conformance::IommuEffect;
using iommu::CallKind;
using iommu::Err;
using linux_harness::Scenario;
using linux_harness::ScheduledCall;

constexpr unsigned kThreads = 4;  ///< 0 is none
constexpr unsigned kDevices = 3, kGroups = 2;
constexpr unsigned kMostTables = 6;

/// Which domain each thread has where: its own affair, so that it can be told from its results.
class Teller {
 public:
  std::vector<IommuEffect> operator()(const ScheduledCall& call, bool in_setup) {
    const std::string& name = call.call.words;
    const std::string word = name.substr(0, name.find_first_of("0123456789"));
    const auto number = static_cast<unsigned>(name.back() - '0');
    if (word == "as") acting_ = number;
    if (word == "as" || word == "map" || word == "tlp") return {};
    IommuEffect effect{.device = number,
                       .pasid = 1,
                       .err = answer(call.result).err,
                       .nomem = call.nomem || call.result == "-EIO"};
    if (word == "change") return told(effect, CallKind::change_default_domain);
    if (word == "plug") return told(effect, CallKind::probe_device);
    if (word == "unplug") return told(effect, CallKind::release_device);
    const unsigned who = in_setup ? acting_ : call.thread + 1;
    effect.client = who - 1;
    return by_driver(word, own_.at(who), effect);
  }

 private:
  struct Own {
    unsigned domain = 0;
    unsigned where = 0;     ///< 1 + the device; 0: nowhere
    unsigned pasid_of = 0;  ///< the same, with the PASID
  };
  using Owns = std::array<Own, 2>;
  unsigned acting_ = 0, domains_ = 0;
  std::array<Owns, kThreads> own_{};

  static std::vector<IommuEffect> told(IommuEffect effect, CallKind call) {
    effect.call = call;
    return {effect};
  }
  static Own* at(Owns& all, unsigned where) {
    for (Own& one : all) {
      if (one.domain != 0 && one.where == where && (where != 0 || one.pasid_of == 0)) return &one;
    }
    return nullptr;
  }
  static Own* with_pasid(Owns& all, unsigned of) {
    for (Own& one : all) {
      if (one.domain != 0 && one.pasid_of == of) return &one;
    }
    return nullptr;
  }

  std::vector<IommuEffect> by_driver(const std::string& word, Owns& own, IommuEffect effect) {
    const bool succeeds = effect.err == Err::ok;
    const unsigned here = 1 + effect.device;
    if (word == "use") return told(effect, CallKind::use_default_domain);
    if (word == "unuse") return told(effect, CallKind::unuse_default_domain);
    if (word == "claim") return told(effect, CallKind::claim_dma_owner);
    if (word == "release") {
      if (Own* attached = at(own, here)) attached->where = 0;
      return told(effect, CallKind::release_dma_owner);
    }
    if (word == "alloc") {
      effect.device = 1;
      if (succeeds) {
        effect.domain = ++domains_;
        for (Own& one : own) {
          if (one.domain != 0) continue;
          one = {effect.domain, 0, 0};
          break;
        }
      }
      return told(effect, CallKind::domain_alloc);
    }
    Own* attached = at(own, here);
    if (word == "detach") {
      effect.domain = attached->domain;
      attached->where = 0;
      return told(effect, CallKind::detach);
    }
    if (word == "detach_pasid") {
      Own* translated = with_pasid(own, here);
      effect.domain = translated->domain;
      translated->pasid_of = 0;
      return told(effect, CallKind::detach_pasid);
    }
    Own* spare = at(own, 0);
    effect.domain = spare->domain;
    if (word == "free") {
      spare->domain = 0;
      return told(effect, CallKind::domain_free);
    }
    if (word == "attach_pasid") {
      if (succeeds) spare->pasid_of = here;
      return told(effect, CallKind::attach_pasid);
    }
    if (word != "attach" && word != "replace")
      throw std::logic_error(fmt::format("the specification is not told what {} is", word));
    // The driver refuses, or the core has no memory: the group stays where it is.
    if (!succeeds && effect.nomem) return {};
    if (succeeds) {
      if (attached != nullptr) attached->where = 0;
      spare->where = here;
    }
    return told(effect, word == "attach" ? CallKind::attach : CallKind::replace);
  }
};

}  // namespace

std::optional<Telling> tell_group(const Scenario& scenario) {
  unsigned tables = kGroups + 1;  // a change of a default domain has the old one and the new one
  const auto count = [&](const auto& calls) {
    for (const auto& call : calls) tables += call.words == "alloc";
  };
  count(scenario.setup);
  for (const auto& calls : scenario.threads) count(calls);
  if (tables > kMostTables) return {};
  return Telling{{.bounds = {.devices = kDevices,
                             .groups = kGroups,
                             .pasids = 1,
                             .tables = tables,
                             .pages = 0,
                             .mms = 0,
                             .clients = kThreads - 1,
                             .dma_pasid = false,
                             .hotplug = true,
                             .owners = true},
                  .keeps_contracts = true},
                 Teller{}};
}

}  // namespace iommucheck::cli
