#include "evaluate/shipped_classifier.hpp"

#include <cstdint>
#include <span>

#include <tinygan/io/file.hpp>

// The file becomes a part of the program: it needs no place of its own on the user's machine.
__asm__(".section .rodata\n"
        ".balign 16\n"
        "dcgan_mnist_classifier:\n"
        ".incbin \"" TINYGAN_CLASSIFIER_FILE "\"\n"
        "dcgan_mnist_classifier_end:\n"
        ".byte 0\n"
        ".previous\n");

extern "C" {
extern const std::uint8_t dcgan_mnist_classifier[], dcgan_mnist_classifier_end[];
}

namespace dcgan_mnist {

namespace {

constexpr const char* published_md5 = "802af1704ccbea6448860ede35b9da72";

}  // namespace

tinygan::eval::Classifier load_classifier(const std::string& file, tinygan::Device device) {
  if (!file.empty()) return {tinygan::io::read_file(file), file, device};
  const char* const name = "the built-in classifier";
  tinygan::eval::Classifier own(std::span(dcgan_mnist_classifier, dcgan_mnist_classifier_end), name, device);
  tinygan::check(is_published(own), name, "was altered: its MD5 sum is ", own.md5(), ", expected ", published_md5,
                 "; its figures would not compare with any other");
  return own;
}

bool is_published(const tinygan::eval::Classifier& classifier) { return classifier.md5() == published_md5; }

}  // namespace dcgan_mnist
