#include "sinks/csv_sink.h"

#include "sinks/csv_rows.h"

namespace zoo::sinks {

void CsvSink::write(const pipeline::FrameEvent& event) {
  write_header_once();
  out_.write(csv_rows(event, task_));
}

void CsvSink::finish() {
  write_header_once();
  out_.finish();
}

void CsvSink::write_header_once() {
  if (has_header_) return;
  has_header_ = true;
  out_.line(csv_header(task_));
}

}  // namespace zoo::sinks
