package instant

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
)

// drawPicture draws what users without an avatar look like: a head above shoulders.
func drawPicture() []byte {
	const size = 128
	back, front := color.Gray{0xcc}, color.Gray{0xf4}
	picture := image.NewGray(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			dx := x - size/2
			head := dx*dx+(y-48)*(y-48) < 24*24
			shoulders := dx*dx+(y-128)*(y-128) < 46*46
			if head || shoulders {
				picture.SetGray(x, y, front)
			} else {
				picture.SetGray(x, y, back)
			}
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, nil); err != nil {
		panic(err) // writing to memory
	}
	return out.Bytes()
}
