#include "nn/engine/machine/parallel.h"

#include <omp.h>
#include <utility>

namespace zoo::engine {
namespace {

thread_local ThreadPool* t_pool = nullptr;

}  // namespace

PoolScope::PoolScope(ThreadPool* pool)
    : previous_pool_(std::exchange(t_pool, pool)), previous_openmp_threads_(omp_get_max_threads()) {
  if (previous_openmp_threads_ != 1) omp_set_num_threads(1);
}

PoolScope::~PoolScope() {
  t_pool = previous_pool_;
  if (previous_openmp_threads_ != 1) omp_set_num_threads(previous_openmp_threads_);
}

ThreadPool* current_pool() { return t_pool; }

}  // namespace zoo::engine
