#include "media/gif.hpp"

#include <gif_lib.h>

#include <memory>
#include <string_view>

#include <tinygan/base/error.hpp>

namespace dcgan_mnist {

namespace {

constexpr int grey_bits = 6;  // 64 shades: no visible difference, two thirds of the file size

std::string reason(int error) {
  const char* text = GifErrorString(error);
  return text != nullptr ? text : "unknown error";
}

/// A GIF file written to memory through giflib.
class GifWriter {
 public:
  GifWriter(int width, int height) : width_(width) {
    int error = 0;
    file_ = EGifOpen(&bytes_, &GifWriter::append, &error);
    tinygan::check(file_ != nullptr, "gif", "cannot begin: ", reason(error));
    EGifSetGifVersion(file_, true);
    const std::unique_ptr<ColorMapObject, void (*)(ColorMapObject*)> greys(GifMakeMapObject(1 << grey_bits, nullptr),
                                                                           &GifFreeMapObject);
    for (int i = 0; greys && i < greys->ColorCount; ++i) {
      const auto level = static_cast<GifByteType>(i * 255 / (greys->ColorCount - 1));
      greys->Colors[i] = {level, level, level};
    }
    check(greys ? EGifPutScreenDesc(file_, width, height, grey_bits, 0, greys.get()) : GIF_ERROR);
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
    std::vector<GifPixelType> shades(f.image.pixels.size());
    for (std::size_t i = 0; i < shades.size(); ++i)
      shades[i] = static_cast<GifPixelType>(f.image.pixels[i] >> (8 - grey_bits));
    for (tinygan::index_t y = 0; y < f.image.height; ++y) check(EGifPutLine(file_, shades.data() + y * width_, width_));
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
  std::vector<std::uint8_t> bytes_;
  GifFileType* file_ = nullptr;
};

}  // namespace

std::vector<std::uint8_t> encode_gif(const std::vector<GifFrame>& frames) {
  tinygan::check(!frames.empty(), "gif", "no frames");
  const GreyImage& first = frames.front().image;
  tinygan::check(first.width > 0 && first.height > 0 && first.width <= 65535 && first.height <= 65535, "gif",
                 "a picture of ", first.width, 'x', first.height, " pixels, expected 1 to 65535 a side");
  GifWriter writer(static_cast<int>(first.width), static_cast<int>(first.height));
  for (const GifFrame& f : frames) {
    tinygan::check(f.image.width == first.width && f.image.height == first.height, "gif", "a picture of ",
                   f.image.width, 'x', f.image.height, " among pictures of ", first.width, 'x', first.height);
    writer.frame(f);
  }
  return writer.finish();
}

}  // namespace dcgan_mnist
