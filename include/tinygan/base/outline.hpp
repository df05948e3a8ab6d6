// TINYGAN_FUNC: the specifier of a function that is not a template and is defined at the end of its header. The macro is
// defined where this file sees such definitions: everywhere header-only; with tinygan::compiled in one source of that
// library.
//
// The library emits each as a weak symbol, as a header-only file does: files built either way share functions and their
// statics. TINYGAN_CTOR is for constructors and destructors, which clang emits only in part where they are inline: those
// of the library are not, and may have no statics.
#pragma once

#ifndef TINYGAN_COMPILED
#define TINYGAN_FUNC inline
#define TINYGAN_CTOR inline
#elif defined(TINYGAN_COMPILED_SOURCE)
#define TINYGAN_FUNC [[gnu::used]] inline
#define TINYGAN_CTOR
#endif
