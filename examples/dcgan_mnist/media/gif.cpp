#include "media/gif.hpp"

#include <gif_lib.h>

#include <memory>
#include <string_view>

#include <tinygan/base/error.hpp>

namespace dcgan_mnist {

namespace {

/// The colours of a file: 64 shades of grey (no visible difference, two thirds of the file size), or 6 x 7 x 6 levels
/// of red, green and blue.
struct Palette {
  bool rgb;

  static constexpr int red = 6, green = 7, blue = 6;  // levels
  int bits() const { return rgb ? 8 : 6; }

  static GifByteType level(int i, int levels) { return static_cast<GifByteType>(i * 255 / (levels - 1)); }
  GifColorType color(int i) const {
    if (!rgb) return {level(i, 64), level(i, 64), level(i, 64)};
    if (i >= red * green * blue) return {0, 0, 0};
    return {level(i / (green * blue), red), level(i / blue % green, green), level(i % blue, blue)};
  }
  static int nearest(std::uint8_t value, int levels) { return (value * (levels - 1) + 127) / 255; }
  /// The colour of one pixel of a picture.
  GifPixelType index(const std::uint8_t* pixel) const {
    if (!rgb) return static_cast<GifPixelType>(pixel[0] >> 2);
    return static_cast<GifPixelType>((nearest(pixel[0], red) * green + nearest(pixel[1], green)) * blue +
                                     nearest(pixel[2], blue));
  }
};

std::string reason(int error) {
  const char* text = GifErrorString(error);
  return text != nullptr ? text : "unknown error";
}

/// A GIF file written to memory through giflib.
class GifWriter {
 public:
  GifWriter(int width, int height, Palette palette) : width_(width), palette_(palette) {
    int error = 0;
    file_ = EGifOpen(&bytes_, &GifWriter::append, &error);
    tinygan::check(file_ != nullptr, "gif", "cannot begin: ", reason(error));
    EGifSetGifVersion(file_, true);
    const std::unique_ptr<ColorMapObject, void (*)(ColorMapObject*)> colors(
        GifMakeMapObject(1 << palette.bits(), nullptr), &GifFreeMapObject);
    for (int i = 0; colors && i < colors->ColorCount; ++i) colors->Colors[i] = palette.color(i);
    check(colors ? EGifPutScreenDesc(file_, width, height, palette.bits(), 0, colors.get()) : GIF_ERROR);
    constexpr GifByteType forever[] = {1, 0, 0};  // sub-block 1, 0 repetitions: no end
    constexpr std::string_view application = "NETSCAPE2.0";
    check(EGifPutExtensionLeader(file_, APPLICATION_EXT_FUNC_CODE));
    check(EGifPutExtensionBlock(file_, static_cast<int>(application.size()), application.data()));
    check(EGifPutExtensionBlock(file_, sizeof forever, forever));
    check(EGifPutExtensionTrailer(file_));
  }
  ~GifWriter() {
    if (file_ != nullptr) EGifCloseFile(file_, nullptr);
  }
  GifWriter(const GifWriter&) = delete;
  GifWriter& operator=(const GifWriter&) = delete;

  void frame(const GifFrame& f) {
    const GraphicsControlBlock control{DISPOSE_DO_NOT, false, f.delay, NO_TRANSPARENT_COLOR};
    GifByteType extension[4];
    const std::size_t size = EGifGCBToExtension(&control, extension);
    check(EGifPutExtension(file_, GRAPHICS_EXT_FUNC_CODE, static_cast<int>(size), extension));
    check(EGifPutImageDesc(file_, 0, 0, width_, static_cast<int>(f.image.height), false, nullptr));
    std::vector<GifPixelType> indices(static_cast<std::size_t>(f.image.width * f.image.height));
    for (std::size_t i = 0; i < indices.size(); ++i)
      indices[i] = palette_.index(f.image.pixels.data() + i * static_cast<std::size_t>(f.image.channels));
    for (tinygan::index_t y = 0; y < f.image.height; ++y)
      check(EGifPutLine(file_, indices.data() + y * width_, width_));
  }

  std::vector<std::uint8_t> finish() {
    int error = 0;
    const int closed = EGifCloseFile(std::exchange(file_, nullptr), &error);
    tinygan::check(closed == GIF_OK, "gif", "cannot finish: ", reason(error));
    return std::move(bytes_);
  }

 private:
  static int append(GifFileType* file, const GifByteType* data, int size) {
    auto& bytes = *static_cast<std::vector<std::uint8_t>*>(file->UserData);
    bytes.insert(bytes.end(), data, data + size);
    return size;
  }
  void check(int result) const { tinygan::check(result == GIF_OK, "gif", "cannot encode: ", reason(file_->Error)); }

  int width_;
  Palette palette_;
  std::vector<std::uint8_t> bytes_;
  GifFileType* file_ = nullptr;
};

}  // namespace

std::vector<std::uint8_t> encode_gif(const std::vector<GifFrame>& frames) {
  tinygan::check(!frames.empty(), "gif", "no frames");
  const Picture& first = frames.front().image;
  tinygan::check(first.width > 0 && first.height > 0 && first.width <= 65535 && first.height <= 65535, "gif",
                 "a picture of ", first.width, 'x', first.height, " pixels, expected 1 to 65535 a side");
  GifWriter writer(static_cast<int>(first.width), static_cast<int>(first.height), {first.channels == 3});
  for (const GifFrame& f : frames) {
    tinygan::check(f.image.width == first.width && f.image.height == first.height && f.image.channels == first.channels,
                   "gif", "a picture of ", f.image.width, 'x', f.image.height, 'x', f.image.channels,
                   " among pictures of ", first.width, 'x', first.height, 'x', first.channels);
    writer.frame(f);
  }
  return writer.finish();
}

}  // namespace dcgan_mnist
