// SPDX-License-Identifier: MIT
// The calls of the specification of /dev/iommu as plain data: what is asked, and what came back.
//
// Sources: 6.12 drivers/iommu/iommufd/main.c, ioas.c, hw_pagetable.c, device.c, fault.c;
// include/uapi/linux/iommufd.h, include/linux/iommufd.h.
//
// Numbers:
//   device  0 .. devices-1.
//   ioas    1 .. ioases: an IOAS, by a number that its user gives it (not the id of its object).
//   hwpt    1 .. hwpts: a page table that a process has asked for, likewise; parent: another one.
//   target  what a device is attached to: IOAS i, or ioases + t for page table t.
#ifndef IOMMUCHECK_SPEC_IOMMUFD_CALL_H
#define IOMMUCHECK_SPEC_IOMMUFD_CALL_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spec/iommufd/bounds.h"

namespace iommucheck::iommufd {

enum class CallKind : std::uint8_t {
  // Of a process.
  ioas_alloc,    ///< (ioas, nomem)          -> ok | -ENOMEM
  ioas_destroy,  ///< (ioas)                 -> ok | -ENOENT -EBUSY
  ioas_use,      ///< (ioas, nomem)          -> ok | -ENOENT -ENOMEM: IOMMU_IOAS_IOVA_RANGES and
                 ///< its like
  hwpt_alloc,    ///< (hwpt, device, ioas, nomem) -> ok | -ENOENT -EINVAL -ENOMEM
  nested_alloc,  ///< (hwpt, device, parent, nomem) -> ok | -ENOENT -EINVAL -ENOMEM: within another
                 ///< page table, with the fault queue
  hwpt_destroy,  ///< (hwpt)                 -> ok | -ENOENT -EBUSY
  device_use,    ///< (device)               -> ok | -ENOENT: IOMMU_GET_HW_INFO
  device_destroy,  ///< (device)               -> -ENOENT -EBUSY: only its driver may
  queue_alloc,     ///< (nomem)                -> ok | -ENOMEM
  queue_close,     ///< ()                     -> ok: its file
  queue_destroy,   ///< ()                     -> ok | -ENOENT -EBUSY
  // Of the driver of a device.
  bind,     ///< (device, nomem)         -> ok | -ENOMEM
  unbind,   ///< (device)                -> ok
  attach,   ///< (device, target, nomem) -> ok | -ENOENT -EINVAL -ENOMEM
  replace,  ///< (device, target, nomem) -> ok | -ENOENT -EINVAL -ENOMEM
  detach,   ///< (device)                -> ok
  // Of a driver whose devices have no IOMMU.
  access_create,   ///< (nomem)        -> ok | -ENOMEM
  access_attach,   ///< (ioas, nomem)  -> ok | -ENOENT -ENOMEM; from another IOAS: replace
  access_detach,   ///< ()             -> ok
  access_destroy,  ///< ()             -> ok
};
inline constexpr unsigned kCallKinds = 20;

enum class Err : std::uint8_t { ok, enomem, enoent, ebusy, einval };
inline constexpr unsigned kErrs = 5;

/// Arguments; V is a value of some domain, or a plain number.  Only those of the call's kind count.
template <class V>
struct Arguments {
  V device{}, ioas{}, hwpt{}, parent{}, target{};
  V nomem{};  ///< 1: memory allocations fail during this call, or the IOMMU's driver refuses
};

/// A call and its arguments' places, in the order of its prototype.
struct ArgumentInfo {
  std::string_view name;
  std::uint32_t Arguments<std::uint32_t>::*field;
};
const std::vector<ArgumentInfo>& arguments(CallKind kind);
/// The errors that a kind of call can answer, "ok" first.
const std::vector<Err>& answers(CallKind kind);
/// Whether a kind of call makes sense within bounds.
bool in_scope(CallKind kind, const Bounds& bounds);

std::string_view name(CallKind kind);  ///< "IOMMU_IOAS_ALLOC", "iommufd_device_attach", ...
std::string_view name(Err err);        ///< "ok", "-ENOMEM", ...

struct Call {
  CallKind kind{};
  Arguments<std::uint32_t> args{};
};
/// "iommufd_device_attach(dev=0, target=1)".
std::string print(const Call& call);

}  // namespace iommucheck::iommufd

#endif  // IOMMUCHECK_SPEC_IOMMUFD_CALL_H
