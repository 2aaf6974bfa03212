// Decodes lines of messages and encodes them again.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"

	"example/vcsp"
)

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var messages vcsp.VcspMessages
		if err := in.Decode(&messages); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			panic(err)
		}
		if err := out.Encode(messages); err != nil {
			panic(err)
		}
	}
}
