// SPDX-License-Identifier: MIT
// What the allocator's errors are called in the specification.
#ifndef IOMMUCHECK_IMPL_IOASID_ERRORS_H
#define IOMMUCHECK_IMPL_IOASID_ERRORS_H

#include <system_error>

#include "spec/ioasid/call.h"

namespace iommucheck::ioasid {

inline Err to_err(std::errc error) {
  if (error == std::errc{}) return Err::ok;
  switch (error) {
    case std::errc::no_such_file_or_directory: return Err::enoent;
    case std::errc::permission_denied: return Err::eacces;
    case std::errc::device_or_resource_busy: return Err::ebusy;
    case std::errc::file_exists: return Err::eexist;
    case std::errc::resource_unavailable_try_again: return Err::eagain;
    case std::errc::no_space_on_device: return Err::enospc;
    case std::errc::not_enough_memory: return Err::enomem;
    default: return Err::einval;
  }
}

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_IMPL_IOASID_ERRORS_H
