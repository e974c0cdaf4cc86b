#include "pipeline/text/text_piece.h"

#include <cstdint>

namespace zoo::pipeline {
namespace {

/// `part` of 255 of the way from one value to another, rounded.
uint8_t towards(uint8_t from, uint8_t to, int part) {
  const int sum = from * (255 - part) + to * part;
  return static_cast<uint8_t>((sum + 127) / 255);
}

void blend_cover(uint8_t* pixel, const uint8_t* cover, int count, const Rgb& color) {
  for (int x = 0; x < count; ++x, pixel += 3) {
    if (cover[x] == 0) continue;
    pixel[0] = towards(pixel[0], color.b, cover[x]);
    pixel[1] = towards(pixel[1], color.g, cover[x]);
    pixel[2] = towards(pixel[2], color.r, cover[x]);
  }
}

void blend_coloured(uint8_t* pixel, const uint8_t* coloured, int count) {
  for (int x = 0; x < count; ++x, pixel += 3, coloured += 4) {
    for (int c = 0; c < 3; ++c) pixel[c] = static_cast<uint8_t>(coloured[c] + towards(pixel[c], 0, coloured[3]));
  }
}

}  // namespace

size_t TextPiece::bytes() const {
  constexpr size_t kOverhead = 256;  // the entry's own, about
  return kOverhead + cover.total() * cover.elemSize() + coloured.total() * coloured.elemSize();
}

void blend(cv::Mat& image, const TextPiece& piece, cv::Point at, const Rgb& color) {
  const cv::Rect whole(at + piece.offset, piece.cover.size());
  const cv::Rect inside = whole & cv::Rect({0, 0}, image.size());
  for (int y = 0; y < inside.height; ++y) {
    uint8_t* pixel = image.ptr(inside.y + y) + ptrdiff_t{3} * inside.x;
    const int row = inside.y + y - whole.y;
    const int column = inside.x - whole.x;
    blend_cover(pixel, piece.cover.ptr(row) + column, inside.width, color);
    if (!piece.coloured.empty()) {
      blend_coloured(pixel, piece.coloured.ptr(row) + ptrdiff_t{4} * column, inside.width);
    }
  }
}

const TextPiece* TextPieces::find(const TextLine& line) {
  const auto place = places_.find(key_of(line));
  if (place == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, place->second);
  return &entries_.front().second;
}

const TextPiece& TextPieces::add(const TextLine& line, TextPiece piece) {
  bytes_ += piece.bytes();
  entries_.emplace_front(key_of(line), std::move(piece));
  places_[entries_.front().first] = entries_.begin();
  while (bytes_ > kMaxBytes && entries_.size() > 1) {
    bytes_ -= entries_.back().second.bytes();
    places_.erase(entries_.back().first);
    entries_.pop_back();
  }
  return entries_.front().second;
}

}  // namespace zoo::pipeline
