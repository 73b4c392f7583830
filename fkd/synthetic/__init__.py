"""Synthetic faces with exact keypoints. `face.render_face` is the entry point."""
