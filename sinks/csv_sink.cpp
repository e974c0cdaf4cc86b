#include "sinks/csv_sink.h"

namespace zoo::sinks {

void CsvSink::write(const pipeline::FrameEvent& event) {
  write_header_once();
  out_.write(csv_rows(event, columns_));
}

void CsvSink::finish() {
  write_header_once();
  out_.finish();
}

void CsvSink::write_header_once() {
  if (has_header_) return;
  has_header_ = true;
  out_.line(csv_header(columns_));
}

}  // namespace zoo::sinks
