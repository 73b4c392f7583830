"""`make bench`: the packaged models beside dlib and MediaPipe on the same pictures and cores."""
