output "model_package_groups" {
  description = "Model package groups by task."
  value       = { for task, group in aws_sagemaker_model_package_group.this : task => group.model_package_group_name }
}

output "launch_policy_arn" {
  description = "Policy of those who may start training."
  value       = aws_iam_policy.launch.arn
}

output "score_policy_arn" {
  description = "Policy of those who may start batch transforms."
  value       = aws_iam_policy.score.arn
}
