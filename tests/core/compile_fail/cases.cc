// SPDX-License-Identifier: MIT
// What must not compile, one CASE at a time.  Case 0 is the right way to write each of them.
#include "core/machine.h"

using namespace iommucheck;

template <class D>
struct Vars : Record<D> {
  explicit Vars(Scope<D> scope)
      : Record<D>(scope), x(*this, "x", 3), y(*this, "y", 3), f(*this, "f") {}
  Var<D> x, y;
  Flag<D> f;
};

template <class D>
void right(Context<D>& c, Vars<D>& v) {
  const Val<D> old = v.x;
  Local<D> next{c, 0};
  c.when(v.x == 1U && v.y == 2U, [&] { next = old; });
  c.when(v.f, [&] { v.y = select(v.x == 1U, old, Val<D>(2)); });
}

template void right(Context<Concrete>&, Vars<Concrete>&);
template void right(Context<Symbolic>&, Vars<Symbolic>&);

#if CASE == 1  // a condition on a symbolic value
void wrong(Context<Symbolic>&, Vars<Symbolic>& v) {
  if (v.x == 1U) v.y = 2;
}
#elif CASE == 2   // the same on a concrete one: it would not compile in the symbolic reading
void wrong(Context<Concrete>&, Vars<Concrete>& v) {
  if (v.x == 1U) v.y = 2;
}
#elif CASE == 3   // && does not make a bool of it
void wrong(Context<Symbolic>&, Vars<Symbolic>& v) {
  if (v.x == 1U && v.y == 2U) v.y = 0;
}
#elif CASE == 4   // a Val is a value, not a variable: under when() this would not be conditional
void wrong(Context<Concrete>& c, Vars<Concrete>& v) {
  Val<Concrete> last = v.y;
  c.when(v.x == 1U, [&] { last = v.x; });
}
#elif CASE == 5   // a Var is a place of the state, and has no copy
void wrong(Context<Symbolic>&, Vars<Symbolic>& v) {
  const auto old = v.x;
  v.y = old;
}
#elif CASE == 6   // neither is a Bool assigned
void wrong(Context<Symbolic>& c, Vars<Symbolic>& v) {
  Bool<Symbolic> any = false;
  c.when(v.x == 1U, [&] { any = v.f; });
}
#elif CASE == 7   // a flag is no condition of C++ either
void wrong(Context<Concrete>&, Vars<Concrete>& v) {
  if (v.f) v.y = 2;
}
#elif CASE == 8   // and no loop ends by it
void wrong(Context<Symbolic>&, Vars<Symbolic>& v) {
  while (v.x != 0U) v.x -= 1;
}
#elif CASE == 9   // select() instead of ?:
void wrong(Context<Concrete>&, Vars<Concrete>& v) {
  v.y = v.x == 1U ? Val<Concrete>(1) : Val<Concrete>(2);
}
#elif CASE == 10  // enumerators of one kind are not those of another
enum class Colour { red };
enum class Taste { sweet };
void wrong(Context<Symbolic>&, Vars<Symbolic>& v) {
  const Val<Symbolic, Colour> colour = Colour::red;
  v.f = colour == Taste::sweet;
}
#endif
