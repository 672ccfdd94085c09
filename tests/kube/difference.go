// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"strings"
)

// difference is where a file's object is not what the API has.
type difference struct {
	path string // keys, separated by dots
	api  any    // nil: only in the file
	file any    // nil: only in the API
}

func (d difference) String() string {
	return fmt.Sprintf("%s: API %.200v, file %.200v", d.path, d.api, d.file)
}

// compare returns all differences. Numbers are compared by their value, to the last digit.
func compare(path string, api, file any) []difference {
	switch a := api.(type) {
	case map[string]any:
		if f, ok := file.(map[string]any); ok {
			return compareMaps(path, a, f)
		}
	case []any:
		if f, ok := file.([]any); ok && len(a) == len(f) {
			return compareLists(path, a, f)
		}
	case json.Number:
		if f, ok := file.(json.Number); ok && sameNumber(a, f) {
			return nil
		}
	default:
		if reflect.DeepEqual(api, file) {
			return nil
		}
	}
	return []difference{{path, api, file}}
}

func compareMaps(path string, api, file map[string]any) (found []difference) {
	for key, value := range api {
		other, ok := file[key]
		if !ok {
			found = append(found, difference{path + "." + key, value, nil})
			continue
		}
		found = append(found, compare(path+"."+key, value, other)...)
	}
	for key, value := range file {
		if _, ok := api[key]; !ok {
			found = append(found, difference{path + "." + key, nil, value})
		}
	}
	return found
}

func compareLists(path string, api, file []any) (found []difference) {
	for i := range api {
		found = append(found, compare(fmt.Sprintf("%s[%d]", path, i), api[i], file[i])...)
	}
	return found
}

func sameNumber(a, b json.Number) bool {
	x, ok := new(big.Rat).SetString(string(a))
	y, ok2 := new(big.Rat).SetString(string(b))
	return ok && ok2 && x.Cmp(y) == 0
}

var bytesLong = regexp.MustCompile(`^(\d+) bytes long$`)

// isRedacted tells whether a difference is what redaction makes of a value: what oc does to Secrets and Routes,
// and the markers of the report.
func (d difference) isRedacted() bool {
	if strings.HasSuffix(d.path, ".spec.tls.key") {
		return d.file == nil
	}
	file, ok := d.file.(string)
	if !ok {
		return false
	}
	if strings.HasSuffix(d.path, "kubectl.kubernetes.io/last-applied-configuration") {
		return file == ""
	}
	if strings.Contains(file, "[REDACTED") || strings.Contains(file, "certificate") {
		return true
	}
	text, err := base64.StdEncoding.DecodeString(file)
	if err != nil {
		return false
	}
	if m := bytesLong.FindSubmatch(text); m != nil {
		value, err := base64.StdEncoding.DecodeString(d.api.(string))
		return err == nil && string(m[1]) == fmt.Sprint(len(value))
	}
	return strings.Contains(string(text), "certificate")
}
