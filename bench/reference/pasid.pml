/* SPDX-License-Identifier: MIT */
/* The reference model for SPIN: PASID allocation and SVA bind/unbind; one rule is one atomic step.
   NT threads, NP PASIDs, NU tasks of a fresh mm, NR bonds of one (device, mm), ANYFREE: from -D. */
#ifndef NT
#define NT 2
#endif
#ifndef NP
#define NP 2
#endif
#ifndef NU
#define NU 1
#endif
#ifndef NR
#define NR 1
#endif
#define NM 2
#define ND 2
bit lock;
byte own[NP]; byte mp[NM]; byte task[NM]=NU; byte users[NM]=NU;
byte ref[4]; bit live[4]; byte dom[2*NP]; byte tlb[2*NP];      /* [dev*NM+mm], [dev*NP+p] */
byte tmm[NT];                                                  /* mm+1 named by thread (global: fork's grace period reads it) */
#define me (_pid)
#define mi (tmm[me]-1)
#define RI (dev*NM+mi)
#if NT==1
#define QUIET(m) (tmm[0]!=m+1)
#elif NT==2
#define QUIET(m) (tmm[0]!=m+1 && tmm[1]!=m+1)
#elif NT==3
#define QUIET(m) (tmm[0]!=m+1 && tmm[1]!=m+1 && tmm[2]!=m+1)
#else
#define QUIET(m) (tmm[0]!=m+1 && tmm[1]!=m+1 && tmm[2]!=m+1 && tmm[3]!=m+1)
#endif
/* every step is ONE d_step followed by a goto (goto costs no state; atomic{..goto L} would leak atomicity into L) */
#define BIND(m,d)   d_step{ task[m]>0 -> tmm[me]=m+1; dev=d }; goto b_lock
#define EXIT(m)     d_step{ task[m]>0 -> task[m]=task[m]-1; tmm[me]=m+1 }; goto e_put
#define FORK(m)     d_step{ task[m]==0 && users[m]==0 && mp[m]==0 && QUIET(m) -> task[m]=NU; users[m]=NU }; goto idle
#define REAP(m)     d_step{ users[m]==0 && mp[m]!=0 && ref[m]==0 && ref[NM+m]==0 -> tmm[me]=m+1 }; goto e_clr
#define UNBIND(m,d) d_step{ ref[(d)*NM+m]>0 -> tmm[me]=m+1; dev=d }; goto u_lock
#define FAULT(d,p)  d_step{ dom[(d)*NP+p]!=0 -> tlb[(d)*NP+p]=dom[(d)*NP+p]; pp=p }; goto f_rcu
/* BELOW(p): what the policy asks of the PASIDs below p; TAKEN(n): 0 to n-1 are taken. */
#define TAKEN(n) ((own[0]!=0) && (n<2 || own[1%NP]!=0) && (n<3 || own[2%NP]!=0) && (n<4 || own[3%NP]!=0))
#ifdef ANYFREE
#define BELOW(p) true
#else
#define BELOW(p) (p==0 || TAKEN(p))
#endif
#define TAKE(p) d_step{ BELOW(p) && own[p]==0 -> own[p]=tmm[me]; mp[mi]=p+1 }; goto b_dom
#define RESET tmm[me]=0; dev=0; pp=0
active [NT] proctype thread(){
  byte dev=0, pp=0;
idle:
  if
  :: BIND(0,0) :: BIND(0,1) :: BIND(1,0) :: BIND(1,1)
  :: EXIT(0) :: EXIT(1) :: FORK(0) :: FORK(1) :: REAP(0) :: REAP(1)
  :: UNBIND(0,0) :: UNBIND(0,1) :: UNBIND(1,0) :: UNBIND(1,1)
  :: FAULT(0,0) :: FAULT(1,0)
#if NP>1
  :: FAULT(0,1) :: FAULT(1,1)
#endif
#if NP>2
  :: FAULT(0,2) :: FAULT(1,2)
#endif
#if NP>3
  :: FAULT(0,3) :: FAULT(1,3)
#endif
  fi;
b_lock: if :: d_step{ !lock -> lock=1 }; goto b_chk fi;
b_chk: if
  :: d_step{ users[mi]==0 || ref[RI]>=NR -> skip }; goto unlock
  :: d_step{ users[mi]>0 && ref[RI]<NR && mp[mi]!=0 -> skip }; goto b_dom
  :: d_step{ users[mi]>0 && ref[RI]<NR && mp[mi]==0 -> skip }; goto b_alloc
  fi;
b_alloc: if
  :: TAKE(0)
#if NP>1
  :: TAKE(1)
#endif
#if NP>2
  :: TAKE(2)
#endif
#if NP>3
  :: TAKE(3)
#endif
  :: d_step{ TAKEN(NP) -> skip }; goto unlock
  fi;
b_dom: if
  :: d_step{ ref[RI]==0 -> live[RI]=1 }; goto b_att
  :: d_step{ ref[RI]!=0 -> skip }; goto b_ref
  fi;
b_att: if :: d_step{ dom[dev*NP+mp[mi]-1]=tmm[me] }; goto b_ref fi;
b_ref: if :: d_step{ ref[RI]=ref[RI]+1 }; goto unlock fi;
unlock: if :: d_step{ lock=0; RESET }; goto idle fi;
u_lock: if :: d_step{ !lock -> lock=1 }; goto u_dec fi;
u_dec: if
  :: d_step{ ref[RI]==0 -> skip }; goto unlock
  :: d_step{ ref[RI]>1 -> ref[RI]=ref[RI]-1 }; goto unlock
  :: d_step{ ref[RI]==1 -> ref[RI]=0 }; goto u_det
  fi;
u_det: if :: d_step{ dom[dev*NP+mp[mi]-1]=0 }; goto u_inv fi;
u_inv: if :: d_step{ tlb[dev*NP+mp[mi]-1]=0 }; goto u_free fi;
u_free: if :: d_step{ live[RI]=0 }; goto unlock fi;
e_put: if
  :: d_step{ users[mi]>1 -> users[mi]=users[mi]-1; RESET }; goto idle
  :: d_step{ users[mi]==1 -> users[mi]=0 }; goto e_clr
  fi;
e_clr: if
  :: d_step{ (!lock && ref[mi]==0 && ref[NM+mi]==0 && mp[mi]!=0) -> pp=mp[mi]-1; mp[mi]=0 }; goto e_drop
  :: d_step{ !(!lock && ref[mi]==0 && ref[NM+mi]==0 && mp[mi]!=0) -> RESET }; goto idle
  fi;
e_drop: if :: d_step{ own[pp]=0; RESET }; goto idle fi;
f_rcu: if
  :: d_step{ own[pp]==0 -> RESET }; goto idle
  :: d_step{ own[pp]!=0 -> tmm[me]=own[pp]; pp=0 }; goto f_get
  fi;
f_get: if
  :: d_step{ users[mi]==0 -> RESET }; goto idle
  :: d_step{ users[mi]>0 -> users[mi]=users[mi]+1 }; goto f_hnd
  fi;
f_hnd: if :: d_step{ skip }; goto f_put fi;
f_put: if
  :: d_step{ users[mi]>1 -> users[mi]=users[mi]-1; RESET }; goto idle
  :: d_step{ users[mi]==1 -> users[mi]=0 }; goto e_clr
  fi;
}
