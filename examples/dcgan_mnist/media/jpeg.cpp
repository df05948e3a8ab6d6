#include "media/jpeg.hpp"

#include <algorithm>
#include <array>

#ifdef TINYGAN_HAS_JPEG
#include <csetjmp>
#include <cstdio>

#include <jpeglib.h>
#endif

namespace dcgan_mnist {

bool is_jpeg(std::span<const std::uint8_t> bytes) {
  constexpr std::array<std::uint8_t, 3> start{0xff, 0xd8, 0xff};
  return bytes.size() >= start.size() && std::equal(start.begin(), start.end(), bytes.begin());
}

#ifdef TINYGAN_HAS_JPEG

namespace {

/// libjpeg's errors jump back to where the decoder began; of warnings, which damaged files give, the first is kept.
struct Errors {
  jpeg_error_mgr manager{};
  std::jmp_buf stop{};
  std::array<char, JMSG_LENGTH_MAX> message{};
};

Errors& errors_of(j_common_ptr codec) { return *static_cast<Errors*>(codec->client_data); }

void jump(j_common_ptr codec) {
  codec->err->format_message(codec, errors_of(codec).message.data());
  std::longjmp(errors_of(codec).stop, 1);
}

void keep_first_warning(j_common_ptr codec, int level) {
  if (level < 0 && codec->err->num_warnings++ == 0) codec->err->format_message(codec, errors_of(codec).message.data());
}

/// Decodes what `codec` reads; false after an error of libjpeg. Has no objects that a jump would leave behind.
bool decode(jpeg_decompress_struct& codec, Errors& errors, std::span<const std::uint8_t> bytes, Picture& picture) {
  if (setjmp(errors.stop) != 0) return false;  // NOLINT(cert-err52-cpp): the only way that libjpeg has
  jpeg_create_decompress(&codec);
  jpeg_mem_src(&codec, bytes.data(), static_cast<unsigned long>(bytes.size()));
  jpeg_read_header(&codec, TRUE);
  picture.width = codec.image_width;
  picture.height = codec.image_height;
  const bool grey = codec.jpeg_color_space == JCS_GRAYSCALE;
  if (std::max(picture.width, picture.height) > most_png_pixels() || codec.num_components > 3) return true;
  picture.channels = grey ? 1 : 3;
  codec.out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&codec);
  const auto stride = static_cast<std::size_t>(picture.width * picture.channels);
  picture.pixels.resize(stride * static_cast<std::size_t>(picture.height));
  while (codec.output_scanline < codec.output_height) {
    JSAMPROW row = picture.pixels.data() + stride * codec.output_scanline;
    jpeg_read_scanlines(&codec, &row, 1);
  }
  jpeg_finish_decompress(&codec);
  return true;
}

}  // namespace

Picture decode_jpeg(std::span<const std::uint8_t> bytes, const std::string& name) {
  Errors errors;
  jpeg_decompress_struct codec{};
  codec.err = jpeg_std_error(&errors.manager);
  codec.client_data = &errors;
  errors.manager.error_exit = jump;
  errors.manager.emit_message = keep_first_warning;
  Picture picture;
  const bool decoded = decode(codec, errors, bytes, picture);
  const int components = codec.num_components;
  jpeg_destroy_decompress(&codec);
  tinygan::check(decoded && errors.manager.num_warnings == 0, name, "a damaged JPEG file: ", errors.message.data());
  const tinygan::index_t most = most_png_pixels();
  tinygan::check(picture.width <= most && picture.height <= most, name, "is an image of ", picture.width, 'x',
                 picture.height, " pixels, expected at most ", most, " a side");
  tinygan::check(components <= 3, name, "has ", components, " colour components (CMYK?), expected grey or RGB");
  return picture;
}

#else

Picture decode_jpeg(std::span<const std::uint8_t>, const std::string& name) {
  tinygan::fail(name, "is a JPEG file, and this program was built without libjpeg (Debian, Ubuntu: libjpeg-dev)");
}

#endif

}  // namespace dcgan_mnist
