// SPDX-License-Identifier: MIT
// The calls of the IOMMU specification as plain data: what is asked, and what came back.
//
// Sources: 6.12 drivers/iommu/iommu.c (attach, detach, replace, PASIDs, reset since 6.18),
// iommu_device_use_default_domain(), iommu_device_claim_dma_owner(), iommu_group_store_type();
// drivers/iommu/iommu-sva.c (bind, unbind), kernel/fork.c (mm), arch/x86/kernel/process_64.c
// (tagging), and the mails of 2021 and 2022 on the DMA-API PASID, SVA domains and the layers of
// /dev/iommu.
//
// Numbers:
//   device    0 .. devices-1.
//   pasid     1 .. pasids; 0 stands for a TLP without a PASID (it has the RID only).
//   table     1 .. tables: an iommu_domain with its I/O page table.
//   page      0 .. pages-1: an I/O page of a table.
//   mm        0 .. mms-1: the address space of a process.
//   client    0 .. clients-1: who binds, and who claims a group.
//   bond      0 .. bonds-1: which of its bonds.
#ifndef IOMMUCHECK_SPEC_IOMMU_CALL_H
#define IOMMUCHECK_SPEC_IOMMU_CALL_H

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace iommucheck::iommu {

/// What can be asked.  The names are the kernel's, or those of the mails.
enum class CallKind : std::uint8_t {
  // The page-table layer.
  domain_alloc,  ///< (device, nomem)       -> table | -ENOMEM
  domain_free,   ///< (table)               -> ok
  map,           ///< (table, page, nomem)  -> ok | -ENOMEM -EEXIST
  unmap,         ///< (table, page)         -> ok | -ENOENT
  // The system layer.
  attach,        ///< (device, table)              -> ok | -EINVAL -EBUSY
  detach,        ///< (device, table)              -> ok
  replace,       ///< (device, table)              -> ok | -EINVAL
  attach_pasid,  ///< (device, pasid, table, nomem) -> ok | -EINVAL -EBUSY -ENOMEM
  detach_pasid,  ///< (device, pasid, table)       -> ok
  // The device layer.
  reset_prepare,  ///< (device)  -> ok | -EBUSY
  reset_done,     ///< (device)  -> ok
  // The DMA-API PASID.
  get_dma_pasid,      ///< (device, nomem)  -> pasid | -ENOSPC -ENOMEM
  destroy_dma_pasid,  ///< (device)         -> ok
  // Processes.
  fork,         ///< (mm, nomem)  -> mm | -ENOMEM
  exit,         ///< (mm)         -> ok
  pasid_alloc,  ///< (mm, nomem)  -> pasid | -ENOSPC -ENOMEM: an mm gets its PASID
  pasid_drop,   ///< (mm)         -> ok: the PASID of a dead mm goes back
  get_pasid,    ///< (mm)         -> pasid, 0 for none
  // Shared virtual addressing.
  bind,    ///< (client, bond, device, mm, nomem)  -> pasid | -ENOMEM -ENOSPC -EBUSY
  unbind,  ///< (client, bond)               -> ok
  fault,   ///< (device, pasid, mm)          -> ok: a page request is handled for this process
  // Linear address masking (LAM): the CPU ignores the upper bits of pointers, the IOMMU does not.
  enable_tagged_addr,  ///< (mm)  -> ok | -EINVAL -EBUSY
  // Hotplug.
  probe_device,    ///< (device, nomem)  -> ok | -ENOMEM
  release_device,  ///< (device)         -> ok
  // Drivers, and who owns the DMA of a group.
  use_default_domain,     ///< (device)                 -> ok | -EBUSY: a driver of the DMA API is
                          ///< bound
  unuse_default_domain,   ///< (device)                 -> ok
  claim_dma_owner,        ///< (client, device, nomem)  -> ok | -EPERM -EBUSY -ENOMEM
  release_dma_owner,      ///< (device)                 -> ok
  change_default_domain,  ///< (device, nomem)         -> table | -EPERM -EBUSY -ENOMEM
};
inline constexpr unsigned kCallKinds = 29;

enum class Err : std::uint8_t { ok, enomem, enospc, ebusy, einval, eexist, enoent, eperm };
inline constexpr unsigned kErrs = 8;

/// Arguments; V is a value of some domain, or a plain number.  Only those of the call's kind count.
template <class V>
struct Arguments {
  V client{}, bond{}, device{}, pasid{}, table{}, page{}, mm{};
  V nomem{};  ///< 1: memory allocations fail during this call
};

/// A call and its arguments' places, in the order of its prototype.
struct ArgumentInfo {
  std::string_view name;
  std::uint32_t Arguments<std::uint32_t>::*field;
};
const std::vector<ArgumentInfo>& arguments(CallKind kind);
/// The errors that a kind of call can answer, "ok" first.
const std::vector<Err>& answers(CallKind kind);

std::string_view name(CallKind kind);  ///< "iommu_attach_device_pasid", ...
std::string_view name(Err err);        ///< "ok", "-ENOMEM", ...

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_CALL_H
