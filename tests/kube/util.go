// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// In a test program what must not fail is not handled: it panics, and the runner says where.

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

// require fails the test with a message when CONDITION does not hold.
func require(condition bool, format string, arguments ...any) {
	if !condition {
		panic(fmt.Errorf(format, arguments...))
	}
}

func decodeJSON(r io.Reader, into any) {
	check(json.NewDecoder(r).Decode(into))
}

// waitFor waits until DONE says so.
func waitFor(what string, done func() bool) {
	for end := time.Now().Add(startTime); !done(); time.Sleep(50 * time.Millisecond) {
		require(time.Now().Before(end), "waited %v for %s", startTime, what)
	}
}
