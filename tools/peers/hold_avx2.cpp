// Holds a program that has no setting for it to AVX2. Loaded with LD_PRELOAD, it makes every CPUID instruction of the
// process fault and answers as a processor without AVX-512, AMX and AVX-VNNI would. Where processor or kernel have no
// CPUID faulting ("cpuid_fault" in /proc/cpuinfo), the program ends at once. The C library has read CPUID before this
// is loaded; its own choices are held by GLIBC_TUNABLES.
//
// With HOLD_AVX2_SAMPLES=FILE it also proves that it holds: every few milliseconds of processor time it looks at the
// instruction that comes next, and writes "SAMPLES OF_THEM_AVX512" into FILE when the program ends.
#include <atomic>
#include <cpuid.h>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

namespace {

using Action = struct sigaction;

// What the program asked for while the signal is ours; starts as SIG_DFL.
Action program_segv;
Action program_prof;
bool holding = false;
const char* samples_file = nullptr;
timer_t timer{};
std::atomic<long> samples{0};
std::atomic<long> avx512_samples{0};

int set_action(int signal, const Action* action, Action* old) {
  using Function = int (*)(int, const Action*, Action*);
  static const auto next = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "sigaction"));
  return next(signal, action, old);
}

// Of the calling thread; threads that it starts inherit it.
bool let_cpuid_run(bool yes) {
  constexpr long kArchSetCpuid = 0x1012;
  return syscall(SYS_arch_prctl, kArchSetCpuid, yes ? 1L : 0L) == 0;
}

struct Cpuid {
  uint32_t eax, ebx, ecx, edx;
};

// Bits by their places in Intel's manual, volume 2A, CPUID.
Cpuid held_cpuid(uint32_t leaf, uint32_t subleaf) {
  Cpuid r{};
  let_cpuid_run(true);
  __cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
  let_cpuid_run(false);
  const auto clear = [](uint32_t& bits, auto... places) { bits &= ~((1U << places) | ...); };
  if (leaf == 7 && subleaf == 0) {
    clear(r.ebx, 16, 17, 21, 26, 27, 28, 30, 31);  // AVX-512 F, DQ, IFMA, PF, ER, CD, BW, VL
    clear(r.ecx, 1, 6, 11, 12, 14);                // AVX-512 VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ
    clear(r.edx, 2, 3, 8, 23);                     // AVX-512 4VNNIW, 4FMAPS, VP2INTERSECT, FP16
    clear(r.edx, 22, 24, 25);                      // AMX BF16, TILE, INT8
  } else if (leaf == 7 && subleaf == 1) {
    clear(r.eax, 4, 5, 21, 23);     // AVX-VNNI, AVX-512 BF16, AMX FP16, AVX-IFMA
    clear(r.edx, 4, 5, 8, 10, 19);  // AVX-VNNI-INT8, AVX-NE-CONVERT, AMX COMPLEX, AVX-VNNI-INT16, AVX10
  }
  return r;
}

void on_segv(int signal, siginfo_t* info, void* context) {
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto* code = reinterpret_cast<const uint8_t*>(registers[REG_RIP]);
  // A general protection fault has this code; a fault of memory, where the instruction may be unreadable, has another.
  if (info->si_code == SI_KERNEL && code[0] == 0x0F && code[1] == 0xA2) {
    const Cpuid r = held_cpuid(static_cast<uint32_t>(registers[REG_RAX]), static_cast<uint32_t>(registers[REG_RCX]));
    registers[REG_RAX] = r.eax;
    registers[REG_RBX] = r.ebx;
    registers[REG_RCX] = r.ecx;
    registers[REG_RDX] = r.edx;
    registers[REG_RIP] += 2;
  } else if ((program_segv.sa_flags & SA_SIGINFO) != 0) {
    program_segv.sa_sigaction(signal, info, context);
  } else if (program_segv.sa_handler != SIG_DFL && program_segv.sa_handler != SIG_IGN) {
    program_segv.sa_handler(signal);
  } else {
    const Action kill{};
    set_action(signal, &kill, nullptr);
    raise(signal);
  }
}

// In 64-bit code an instruction that begins with 0x62 is one of AVX-512.
void on_sample(int, siginfo_t*, void* context) {
  const auto* code = reinterpret_cast<const uint8_t*>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
  ++samples;
  if (*code == 0x62) ++avx512_samples;
}

void handle(int signal, void (*handler)(int, siginfo_t*, void*)) {
  Action action{};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  set_action(signal, &action, nullptr);
}

__attribute__((constructor)) void start() {
  handle(SIGSEGV, on_segv);
  holding = true;
  if (!let_cpuid_run(false)) {
    std::fputs("hold_avx2: this processor or kernel has no CPUID faulting\n", stderr);
    _exit(1);
  }
  samples_file = std::getenv("HOLD_AVX2_SAMPLES");
  if (samples_file == nullptr) return;
  handle(SIGPROF, on_sample);
  // Unlike setitimer's, this timer ends when a process turns into another program, which may have no handler.
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGPROF;
  timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer);
  constexpr timespec kEvery = {0, 1000000};
  constexpr itimerspec kTimes = {kEvery, kEvery};
  timer_settime(timer, 0, &kTimes, nullptr);
}

__attribute__((destructor)) void write_samples() {
  if (samples_file == nullptr) return;
  timer_delete(timer);
  if (std::FILE* file = std::fopen(samples_file, "w")) {
    std::fprintf(file, "%ld %ld\n", samples.load(), avx512_samples.load());
    std::fclose(file);
  }
}

}  // namespace

// Node sets every signal to its default when it starts, and the handler of V8 comes later: neither may replace ours.
extern "C" int sigaction(int signal, const Action* action, Action* old) noexcept {
  Action* kept = nullptr;
  if (signal == SIGSEGV && holding) kept = &program_segv;
  if (signal == SIGPROF && samples_file != nullptr) kept = &program_prof;
  if (kept == nullptr) return set_action(signal, action, old);
  const Action before = *kept;
  if (action != nullptr) *kept = *action;
  if (old != nullptr) *old = before;
  return 0;
}
