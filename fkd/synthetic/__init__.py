"""Drawn faces with exact points: the embedded data set. `face.draw_face` is the way in."""
