// Decides which C interfaces the Postgres module sees: libpq, and the kernel's readiness queue it waits with.
#ifndef OPSROOM_CLIBPQ_SHIM_H
#define OPSROOM_CLIBPQ_SHIM_H

#include <libpq-fe.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#endif
