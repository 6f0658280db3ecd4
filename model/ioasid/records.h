// SPDX-License-Identifier: MIT
// The records of the IOASID designs: bounds, struct ioasid_data, private data, a call's locals.
#ifndef IOMMUCHECK_MODEL_IOASID_RECORDS_H
#define IOMMUCHECK_MODEL_IOASID_RECORDS_H

#include "model/kernel/heap.h"
#include "model/kernel/refcount.h"
#include "spec/ioasid/call.h"

namespace iommucheck::model {

using ioasid::CallKind;
using ioasid::Err;
using ioasid::Getter;

/// How large an instance of a design is.
struct IoasidBounds : ProcessBounds {
  unsigned pasids = 2;      ///< ids 0 .. pasids-1; 1 .. 4
  unsigned sets = 2;        ///< 0 .. 3
  unsigned data = 1;        ///< objects of private data that clients have; 0 .. 3
  unsigned objects = 0;     ///< struct ioasid_data in memory at once; 0: pasids + 1
  unsigned allocators = 0;  ///< custom allocators (plain); 0 .. 1
  unsigned notifiers = 0;   ///< notifier blocks (sets); 0 .. 1
  unsigned tokens = 1;      ///< tokens that sets are made for (sets); 0 .. 2
  unsigned spids = 0;       ///< set-private ids (sets); 0 .. 2

  unsigned ioasid_data() const { return objects != 0 ? objects : pasids + 1; }
};

/// Which parts of struct ioasid_data a design has.
struct IoasidDataParts {
  unsigned refs = 0;   ///< the largest refcount; 0: none
  bool state = false;  ///< free pending, or not
  unsigned spids = 0;
  bool set_objects = false;  ///< sets are heap objects; else static
};

/// What the designs do not tell apart.
struct IoasidSorts {
  Sort pasids = {}, sets = {}, objects = {}, data = {}, tokens = {}, spids = {};
};

/// struct ioasid_data.
template <class D>
struct IoasidData : HeapObject<D> {
  IoasidData(Scope<D> scope, unsigned processes, const Design<D>* design, const IoasidBounds& b,
             const IoasidDataParts& parts, const IoasidSorts& sorts)
      : HeapObject<D>(std::move(scope), processes),
        set(*this, "set", b.sets,
            parts.set_objects ? pointer_to("ioasid_set") : Format{}.of(sorts.sets)),
        priv(*this, "private", b.data, pointer_to("private")),
        refs(*this, "refs", *design, parts.refs),
        pending(*this, "free_pending", parts.state ? 1 : 0),
        spid(*this, "spid", parts.spids, Format{}.of(sorts.spids)) {}
  Var<D> set, priv;
  Refcount<D> refs;
  Var<D> pending, spid;
};

/// What a client attached: an mm, a domain.  The kernel only passes it on.
template <class D>
struct PrivateData : HeapObject<D> {
  using HeapObject<D>::HeapObject;
};

/// The local variables of a call.
template <class D>
struct IoasidLocals : Record<D> {
  IoasidLocals(Scope<D> scope, const IoasidBounds& b, const IoasidSorts& sorts)
      : Record<D>(scope),
        id(*this, "ioasid", sorts.pasids),
        set(*this, "set", b.sets, Format{}.of(sorts.sets)),
        data(*this, "ioasid_data", b.ioasid_data(), pointer_to("ioasid_data")),
        priv(*this, "priv", b.data, pointer_to("private")),
        idata(*this, "idata", b.allocators == 0 ? 0 : b.allocators + 1,
              pointer_to("ioasid_allocator_data")),
        nb(*this, "nb", b.notifiers, pointer_to("notifier_block")),
        ret(*this, "ret", ioasid::kErrs - 1, names_of<Err>(ioasid::kErrs)),
        effects(*this, "took_effect", 1),
        looking(*this, "looking", 1),
        seen(*this, "answers_seen", (1U << (3 + b.data)) - 1, mask_format().of(sorts.data, 3)) {}
  Element<D> id;
  Var<D> set, data, priv, idata, nb;
  Var<D, Err> ret;
  Var<D> effects;  ///< the call has taken effect: once, before it returns
  Var<D> looking;  ///< a look-up is under way
  Var<D> seen;     ///< find: the answers that were right at some instant since the call began
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOASID_RECORDS_H
