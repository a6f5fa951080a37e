// Tells ThreadSanitizer what a contended Mutex of Swift's Synchronization orders: it waits inside the standard
// library, which is not instrumented. Preloaded by loadtests/sanitizers; uncontended, a Mutex is inlined and seen.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef SWIFT void (*lock_function)(uint32_t thread, SELF void *mutex);
typedef SWIFT void (*unlock_function)(SELF void *mutex);

// The runtime of ThreadSanitizer, in programs that have one.
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

static lock_function lock_slow;
static unlock_function unlock_slow;

__attribute__((constructor)) static void find(void) {
    lock_slow = (lock_function)dlsym(RTLD_NEXT, LOCK_SLOW);
    unlock_slow = (unlock_function)dlsym(RTLD_NEXT, UNLOCK_SLOW);
}

SWIFT void opsroom_lock_slow(uint32_t thread, SELF void *mutex) __asm__(LOCK_SLOW);
SWIFT void opsroom_lock_slow(uint32_t thread, SELF void *mutex) {
    lock_slow(thread, mutex);
    if (__tsan_acquire) __tsan_acquire(mutex);
}

SWIFT void opsroom_unlock_slow(SELF void *mutex) __asm__(UNLOCK_SLOW);
SWIFT void opsroom_unlock_slow(SELF void *mutex) {
    if (__tsan_release) __tsan_release(mutex);
    unlock_slow(mutex);
}
