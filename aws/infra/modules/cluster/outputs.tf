output "name" {
  description = "The cluster."
  value       = aws_eks_cluster.this.name
}

output "arn" {
  description = "ARN of the cluster."
  value       = aws_eks_cluster.this.arn
}

output "security_group_id" {
  description = "Security group that EKS made for control plane and nodes."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "oidc_issuer_url" {
  description = "Issuer of the service accounts' tokens."
  value       = aws_eks_cluster.this.identity[0].oidc[0].issuer
}

output "oidc_provider_arn" {
  description = "IAM's provider for that issuer."
  value       = aws_iam_openid_connect_provider.this.arn
}

output "log_group" {
  description = "Log group of the control plane."
  value       = aws_cloudwatch_log_group.control_plane.name
}

output "node_groups" {
  description = "Node groups by purpose: name, ARN, label, taints and bounds."
  value = {
    for purpose, group in local.groups : purpose => {
      name   = aws_eks_node_group.this[purpose].node_group_name
      arn    = aws_eks_node_group.this[purpose].arn
      label  = "retail-forecast/nodes=${purpose}"
      taints = [for taint in group.taints : "retail-forecast/${taint}=true:NoSchedule"]
      min    = group.scaling.min
      max    = group.scaling.max
    }
  }
}
