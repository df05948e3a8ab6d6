// Standard input, output and error that may be closed, full, or without a reader.
#pragma once

#include <string>
#include <string_view>

namespace dcgan_mnist {

/// Opens /dev/null on the standard descriptors that are closed. Call before any file is opened: the file would get the
/// number of a closed one, and every message would be written into it.
void open_standard_descriptors();

/// Makes a pipe without a reader and a file-size limit errors of write() instead of signals that end the process.
void keep_write_signals_harmless();

/// Writes a line to standard output at once. Throws Error if it cannot be written.
void write_output_line(const std::string& line);

/// Flushes standard output. Returns the error text of anything printed so far, empty if there is no error.
std::string flush_output();

/// Throws Error if standard output cannot be written to, as far as can be checked without writing.
void check_output();

/// Whether standard output is a pipe, a socket or a terminal whose other end is closed. A terminal may close on a
/// program that was told to ignore SIGHUP.
bool output_is_gone();

/// Writes to standard error; errors are ignored. Waits for a slow reader, once a stop was requested at most a second in
/// all.
void write_error(std::string_view text);

}  // namespace dcgan_mnist
