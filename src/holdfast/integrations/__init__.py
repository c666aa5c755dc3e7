"""Holdfast inside other tools: a scikit-learn meta-estimator, a pytest plugin, MLflow. Each is imported on its own."""
